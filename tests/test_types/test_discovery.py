"""Test types of installed packages: real packages with metadata, found by a real process."""

import os
import subprocess
import sys
from pathlib import Path

from test_types import TEST_TYPES

PLUGIN = """
import msgspec

from load_tester.domain.request import Request, Targeter
from load_tester.domain.test_type import TestType


class Params(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    greeting: str = "hello"


def build(params, context):
    return Targeter(lambda seq, now_ns: Request("POST", f"/greet/{seq}", (), params.greeting.encode()))


GREET = TestType(name="greet", summary="Greets.", params=Params, build=build)
SESSION = TestType(name="session", summary="Not ours.", params=Params, build=build)
NUMBER = 7
"""

USE = """
from random import Random

from load_tester.domain.project import MadeUpProjects
from load_tester.domain.test_type import BuildContext, Registry
from test_types.discovery import discover

greet = Registry(discover())["greet"]
print(*greet.build(greet.decode({"Greeting": "good day"}), BuildContext(Random(1), MadeUpProjects())).request(4, 0))
"""
NAMES = "from test_types.discovery import discover; print(*(test_type.name for test_type in discover()))"


def install(site: Path, distribution: str, entries: str, module: str = "", code: str = PLUGIN) -> None:
    """Lay out a package as an installer does: its module, and metadata with entry points."""
    metadata = site / f"{distribution.replace('-', '_')}-1.2.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
    (metadata / "entry_points.txt").write_text(f"[load_tester.test_types]\n{entries}\n")
    if module:
        (site / f"{module}.py").write_text(code)


def run(site: Path, code: str) -> tuple[str, str]:
    """What a process that has `site` on its path prints, and the last line of its complaint."""
    environment = os.environ | {"PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    return done.stdout.strip(), (done.stderr.strip().splitlines() or [""])[-1]


def test_without_plugins_there_are_the_bundled_test_types(tmp_path: Path) -> None:
    """What is bundled needs no registration."""
    assert run(tmp_path, NAMES) == (" ".join(test_type.name for test_type in TEST_TYPES), "")


def test_a_test_type_of_an_installed_package_is_found_and_works(tmp_path: Path) -> None:
    """One entry point makes a test type known, and its requests can be made."""
    install(tmp_path, "greeting-tests", "greet = greeting:GREET", "greeting")
    assert run(tmp_path, NAMES) == (" ".join([*(test_type.name for test_type in TEST_TYPES), "greet"]), "")
    printed, complaint = run(tmp_path, USE)
    assert (printed, complaint) == ("POST /greet/4 () b'good day' 0", "")


def test_a_package_that_cannot_be_imported_is_named(tmp_path: Path) -> None:
    """The message names the package, its version, the entry point and what went wrong."""
    install(tmp_path, "broken-tests", "broken = broken:X", "broken", "raise RuntimeError('no licence')")
    _, complaint = run(tmp_path, NAMES)
    assert complaint == (
        "test_types.discovery.BrokenPlugin: the test type 'broken' of the package broken-tests 1.2 (broken:X) "
        "cannot be loaded: RuntimeError: no licence"
    )


def test_a_missing_object_is_named(tmp_path: Path) -> None:
    """An entry point to an object that is not there is a broken plugin, not an internal error."""
    install(tmp_path, "broken-tests", "broken = greeting:NOTHING", "greeting")
    _, complaint = run(tmp_path, NAMES)
    assert "'broken' of the package broken-tests 1.2 (greeting:NOTHING) cannot be loaded: AttributeError" in complaint


def test_what_is_no_test_type_is_refused(tmp_path: Path) -> None:
    """An entry point has to be a `TestType`."""
    install(tmp_path, "greeting-tests", "greet = greeting:NUMBER", "greeting")
    _, complaint = run(tmp_path, NAMES)
    assert complaint.endswith("of the package greeting-tests 1.2 (greeting:NUMBER) is no TestType but a int")


def test_a_taken_name_is_refused_and_both_owners_are_named(tmp_path: Path) -> None:
    """A package can neither replace a bundled test type nor that of another package."""
    install(tmp_path, "greeting-tests", "session = greeting:SESSION", "greeting")
    _, complaint = run(tmp_path, NAMES)
    assert complaint.endswith(
        "two test types are named 'session': one of load-tester itself and one of the package greeting-tests 1.2"
    )


def test_two_packages_with_one_name_are_refused(tmp_path: Path) -> None:
    """The message names both packages."""
    install(tmp_path, "first-tests", "a = greeting:GREET", "greeting")
    install(tmp_path, "second-tests", "b = greeting:GREET")
    _, complaint = run(tmp_path, NAMES)
    assert "one of the package first-tests 1.2 and one of the package second-tests 1.2" in complaint
