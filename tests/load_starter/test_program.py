"""The installed program as a process: exit statuses, output, signals."""

import json
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from load_starter.testing import FakeLoadTester, served

PROGRAM = [str(Path(sys.executable).with_name("load-starter"))]
MODULE = [sys.executable, "-m", "load_starter"]
ATTACK = "add_vegeta_test('10s', 'session', 10, '1s', {}, name='first')\n"


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment without settings of load-starter but `more`."""
    return {key: value for key, value in os.environ.items() if not key.startswith("LOAD_STARTER_")} | dict(more or {})


def ran(
    directory: Path, script: str, *arguments: str, program: list[str] = PROGRAM, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The finished program, run on a script called `plan.star` in its directory."""
    (directory / "plan.star").write_text(script)
    return subprocess.run(
        [*program, *arguments],
        cwd=directory,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("program", [PROGRAM, MODULE])
def test_a_plan_that_runs_ends_with_0_a_table_and_a_report(tmp_path: Path, program: list[str]) -> None:
    """Output of external programs is passed through; the table is on standard output."""
    fake = FakeLoadTester(looks=0)
    script = ATTACK + "add_sleep('1ms')\nadd_run_external(['echo', 'from outside'])"
    with served(fake) as url:
        done = ran(tmp_path, script, "plan.star", "--load-server", url, "-r", "report.yaml", program=program)
    assert (done.returncode, [command["name"] for command in fake.commands]) == (0, ["first"])
    assert "\nfrom outside\n" in f"\n{done.stdout}"
    assert "100.00%" in done.stdout
    assert "step 3 of 3: echo from outside" in done.stderr
    report = yaml.safe_load((tmp_path / "report.yaml").read_text())
    assert (report["status"], report["testRuns"][0]["result"]["planned"]) == ("finished", 100)


def test_every_option_can_come_from_the_environment(tmp_path: Path) -> None:
    """`LOAD_STARTER_…` stands for an option."""
    fake = FakeLoadTester(looks=0)
    with served(fake) as url:
        env = {"LOAD_STARTER_CONFIG": "plan.star", "LOAD_STARTER_LOAD_SERVER": url, "LOAD_STARTER_REPORT": "r.yaml"}
        done = ran(tmp_path, ATTACK, env=env)
    assert (done.returncode, len(fake.commands), (tmp_path / "r.yaml").exists()) == (0, 1, True)
    done = ran(tmp_path, ATTACK, "-f", "plan.star", env={"LOAD_STARTER_DRY_RUN": "1", "LOAD_STARTER_LOG": "debug"})
    assert (done.returncode, json.loads(done.stdout)["total"]) == (0, "10s")


def test_a_dry_run_prints_the_plan_and_starts_nothing(tmp_path: Path) -> None:
    """The load tester only looks at the commands; no program is run, no report written; the output is one JSON text."""
    fake = FakeLoadTester()
    script = ATTACK + "add_run_external(['touch', 'touched'])"
    with served(fake) as url:
        done = ran(tmp_path, script, "plan.star", "--load-server", url, "--dry-run", "-r", "report.yaml")
    assert (done.returncode, fake.requests) == (0, ["POST /validate"])
    attack, external = json.loads(done.stdout)["steps"]
    assert (attack["at"], attack["post"], attack["command"]["attackDuration"]) == ("0s", f"{url}/command/", "10s")
    assert (external["at"], external["argv"]) == ("10s", ["touch", "touched"])
    assert [path.name for path in tmp_path.iterdir()] == ["plan.star"]
    assert "plan.star:1" in done.stderr
    assert done.stderr.endswith("\n1 test validated\n")


SLIP = {"error": "unknown key 'startedRnge'; did you mean 'startedRange'?", "path": "$.params.startedRnge"}


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_a_test_that_would_be_refused_ends_with_2_before_anything_runs(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    """Each mistake is told with its line, also those of later tests; nothing is started."""
    fake = FakeLoadTester(
        flaws={"session": SLIP, "event": {"error": "unknown test type 'event'", "path": "$.testType"}}
    )
    script = "add_run_external(['touch', 'touched'])\n" + ATTACK.replace("session", "transaction")
    script += "for i in range(3):\n    " + ATTACK + ATTACK.replace("session", "event")
    with served(fake) as url:
        done = ran(tmp_path, script, "plan.star", "--load-server", url, "-r", "report.yaml", *options)
    assert (done.returncode, fake.requests) == (2, ["POST /validate"])
    assert done.stderr.splitlines()[-3:] == [
        f"plan.star:4: first: {SLIP['error']} (at config.startedRnge) (2 more of the tests made there have this, too)",
        "plan.star:5: first: unknown test type 'event' (at test_type)",
        "4 tests would be refused; nothing was run",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["plan.star"]


def test_a_load_tester_that_cannot_be_asked_is_no_obstacle(tmp_path: Path) -> None:
    """Upstream's cannot validate, and one may be started by a step of the plan; both are told, and the plan runs."""
    fake = FakeLoadTester(is_upstream=True)
    script = ATTACK.replace("10s", "1ms") + "set_load_tester_url('http://127.0.0.1:1')\n" + ATTACK
    with served(fake) as url:
        tried = ran(tmp_path, script, "plan.star", "--load-server", url, "--dry-run")
        assert (tried.returncode, fake.commands) == (0, [])
        done = ran(tmp_path, script, "plan.star", "--load-server", url)
    assert (done.returncode, len(fake.commands)) == (1, 1)
    for stderr in (tried.stderr, done.stderr):
        assert f"{url} is a load tester that cannot validate; 1 test not validated" in stderr
        assert "http://127.0.0.1:1 does not answer: " in stderr
        assert "; 1 test not validated\n" in stderr


@pytest.mark.parametrize(
    ("script", "fake", "message"),
    [
        (ATTACK, FakeLoadTester(refusal=(400, {"error": "unknown test type"})), "unknown test type (status 400)"),
        ("add_run_external(['false'])", FakeLoadTester(), "false ended with status 1"),
        ("add_run_external(['./nowhere'])", FakeLoadTester(), "./nowhere cannot be started: No such file"),
    ],
)
def test_a_step_that_fails_ends_with_1(tmp_path: Path, script: str, fake: FakeLoadTester, message: str) -> None:
    """The failure is in the table and in the report."""
    with served(fake) as url:
        done = ran(tmp_path, script, "plan.star", "--load-server", url, "-r", "report.yaml")
    assert done.returncode == 1
    assert message in done.stdout
    assert yaml.safe_load((tmp_path / "report.yaml").read_text())["status"] == "failed"


def test_locust_tests_end_with_1_before_anything_runs(tmp_path: Path) -> None:
    """A plan that cannot be run as a whole is not begun; the message names the line."""
    fake = FakeLoadTester()
    with served(fake) as url:
        done = ran(tmp_path, ATTACK + "add_locust_test('1m', 5, name='old')", "plan.star", "--load-server", url)
    assert (done.returncode, fake.requests) == (1, [])
    assert "plan.star:2: Locust tests are not supported yet; nothing was run" in done.stderr


@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        ("\n\n\n\n\nx = Second + 1", ["plan.star"], "plan.star:6: duration + int is not possible"),
        ("x = (", ["plan.star"], "plan.star:1: syntax error"),
        ("def f(n): return f(n * n)\nf(3)", ["plan.star"], "plan.star:1: a whole number would have more than"),
        ("x = []\nfor i in range(100000): x = [x]\nstr(x)", ["plan.star"], "the interpreter has run out of stack"),
        (ATTACK, ["missing.star"], "missing.star: the file cannot be read: No such file or directory"),
        (ATTACK, ["plan.txt"], "plan.txt: a script's name must end in .star or .py"),
        (ATTACK, [], "no script is given"),
        (ATTACK, ["plan.star", "-f", "other.star"], "two scripts are given"),
        (ATTACK, ["plan.star", "--load-server", "nowhere"], "is not the URL of a load tester"),
        (ATTACK, ["plan.star", "--report", "nowhere/report.yaml"], "there is no directory nowhere"),
        (ATTACK, ["plan.star", "--log", "loud"], "'loud' is not one of"),
        (ATTACK, ["plan.star", "--unknown"], "--unknown"),
    ],
)
def test_a_bad_script_or_flag_ends_with_2(tmp_path: Path, script: str, arguments: list[str], message: str) -> None:
    """There is one clear message, no traceback, and nothing runs."""
    done = ran(tmp_path, script, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert not re.search("Traceback|panicked|backtrace", done.stderr)


def test_a_script_without_steps_says_so(tmp_path: Path) -> None:
    """An empty plan is not an error, but hardly what was meant."""
    done = ran(tmp_path, "x = 1", "plan.star")
    assert (done.returncode, done.stdout) == (0, "")
    assert "the script adds no steps" in done.stderr


def test_help_has_an_example_and_the_exit_statuses() -> None:
    """`--help` is worth reading."""
    done = subprocess.run(
        [*PROGRAM, "--help"], env=environment(), capture_output=True, text=True, timeout=60, check=True
    )
    assert "load-starter configs/session.star" in done.stdout
    assert "130" in done.stdout


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_plan_stops_its_attack_and_reports(tmp_path: Path, number: signal.Signals, status: int) -> None:
    """The attack is stopped, the partial report is written, the status is that of the signal."""
    fake = FakeLoadTester(looks=None)
    (tmp_path / "plan.star").write_text(ATTACK + "add_run_external(['touch', 'touched'])")
    with served(fake) as url:
        arguments = [*PROGRAM, "plan.star", "--load-server", url, "--report", "report.yaml"]
        with subprocess.Popen(arguments, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True) as process:
            assert fake.commanded.wait(60)
            process.send_signal(number)
            output, _ = process.communicate(timeout=60)
    assert process.returncode == status
    assert "GET /stop" in fake.requests
    assert "interrupted" in output
    report = yaml.safe_load((tmp_path / "report.yaml").read_text())
    assert report["status"] == "interrupted"
    assert [entry["status"] for entry in report["testRuns"]] == ["interrupted"]
    assert not (tmp_path / "touched").exists()


def test_an_interrupted_program_is_ended(tmp_path: Path) -> None:
    """An external program does not outlive the plan that started it."""
    (tmp_path / "plan.star").write_text("add_run_external(['sh', '-c', 'echo $$; exec sleep 600'])")
    arguments = [*PROGRAM, "plan.star"]
    with subprocess.Popen(arguments, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 143
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -15), (signal.SIGKILL, -9)])
def test_a_script_can_be_interrupted_while_it_is_evaluated(tmp_path: Path, number: signal.Signals, status: int) -> None:
    """Ctrl-C works at once, also in a script that computes; however the program ends, its script ends with it."""
    (tmp_path / "plan.star").write_text(
        "print('here')\nfor i in range(9999999):\n    for j in range(9999999):\n        pass"
    )
    arguments = [*PROGRAM, "plan.star"]
    with subprocess.Popen(arguments, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "here\n"
        (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        ended = os.pidfd_open(int(child))
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert select.select([ended], [], [], 60)[0]
    os.close(ended)
    assert process.returncode == status
    assert "Traceback" not in errors
