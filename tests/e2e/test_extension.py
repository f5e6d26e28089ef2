"""`docs/writing-test-types.md`, done word for word: a package is written, installed, tested and attacked with."""

import os
import re
import socket
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs" / "writing-test-types.md").read_text()
HERE: Final = sysconfig.get_path("purelib")
LIMIT_S: Final = 300
PORT: Final = "9999"
# Machines that run tests may be offline, and need not have curl.
CURL: Final = """
command -v curl >/dev/null || curl() {
    python3 -c 'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[-1]).read().decode())' "$@"
}
"""
OFFLINE: Final = {
    "PIP_NO_INDEX": "1",
    "PIP_NO_DEPS": "1",
    "PIP_NO_BUILD_ISOLATION": "0",  # pip reads the variable as the value of `build_isolation`
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}


class Step(NamedTuple):
    """A command of the page, and what it prints: `…` stands for anything."""

    command: str
    output: str

    def is_answered_by(self, output: str) -> bool:
        """Whether it printed that."""
        return bool(re.fullmatch(".*".join(map(re.escape, self.output.split("…"))), output.strip("\n"), re.DOTALL))


def files() -> dict[str, str]:
    """The files that the page shows, by path."""
    return dict(re.findall(r"^`(orders/\S+)`\n\n```\w+\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))


def steps() -> Iterator[Step]:
    """The commands that the page shows, in order."""
    for block in re.findall(r"^```console\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield Step(command, output.strip("\n"))


class Done(NamedTuple):
    """The steps of the page, done in a directory: each with its status and what it printed."""

    place: Path
    results: list[tuple[Step, int, str]]


def script(commands: list[str]) -> str:
    """A script for a shell that runs the commands and keeps what each prints, and its status."""
    lines = [CURL, "trap 'kill $(jobs -p) 2>/dev/null' EXIT"]
    for number, command in enumerate(commands):
        lines += [f"{{ {command}\n}} >output.{number} 2>&1; echo $? >status.{number}"]
        if command.endswith("&"):
            lines.append(f"until [ -s output.{number} ]; do sleep 0.05; done")
        if command.startswith("python3 -m venv"):
            # What is needed besides the two packages is taken from the environment of the tests.
            lines.append(f"for site in env/lib/python3*/site-packages; do echo '{HERE}' >$site/needed.pth; done")
    return "\n".join(lines)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """What came of doing what the page says."""
    place = tmp_path_factory.mktemp("extension")
    (place / "load-tester").symlink_to(ROOT)
    for name, content in files().items():
        path = place / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    wanted = [Step(step.command.replace(PORT, port), step.output.replace(PORT, port)) for step in steps()]
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("LOAD_TESTER_", "PYTHON", "PIP_"))
    }
    environment = {**clean, **OFFLINE, "PATH": f"{Path(sysconfig.get_path('scripts'))}:{os.environ['PATH']}"}
    commands = [step.command for step in wanted]
    subprocess.run(["bash", "-c", script(commands)], cwd=place, env=environment, timeout=LIMIT_S, check=False)
    results = [
        (step, int((place / f"status.{number}").read_text()), (place / f"output.{number}").read_text())
        for number, step in enumerate(wanted)
    ]
    return Done(place, results)


def test_the_page_is_read() -> None:
    """Files and commands are found where the page has them."""
    assert set(files()) == {"orders/pyproject.toml", "orders/orders.py", "orders/test_orders.py", "orders/golden.txt"}
    assert [step.command.split()[0] for step in steps()] == [
        "python3", "export", "pip", "load-tester", "pip", "pytest", "load-tester", "load-tester", "load-tester", "curl",
        "load-tester",
    ]  # fmt: skip


def test_every_step_of_the_page_prints_what_the_page_says(done: Done) -> None:
    """From an empty environment to an attack with a test type that did not exist."""
    for step, status, output in done.results:
        assert step.is_answered_by(output), f"$ {step.command}\n{output}"
        assert status == 0 or step.output.startswith("Error: "), step.command


def test_what_is_installed_has_its_page(done: Done) -> None:
    """The wheel is complete: the installed daemon's page is made of its own files, and shows the new test type."""
    code = """
import load_tester
from load_tester.domain.test_type import Registry
from load_tester.web.app import ENDPOINTS
from load_tester.web.page import page
from test_types.discovery import discover

print(load_tester.__file__)
print('id="test-type.order.minItems"' in page(ENDPOINTS, Registry(discover())))
"""
    argv = [str(done.place / "env" / "bin" / "python"), "-I", "-c", code]
    made = subprocess.run(argv, cwd=done.place, capture_output=True, text=True, timeout=LIMIT_S, check=True)
    file, is_shown = made.stdout.split()
    assert (Path(file).is_relative_to(done.place / "env"), is_shown) == (True, "True")
