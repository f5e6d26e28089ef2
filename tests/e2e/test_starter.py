"""`load-starter` with a real daemon: from a script to a report."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from sentry_sdk.envelope import Envelope

from tests.e2e import programs
from tests.e2e.programs import LOAD_STARTER, Daemon, Program, Sink, ran, started

CONFIGS = Path(__file__).parents[2] / "configs"
LONG = "add_vegeta_test('60s', 'session', 200, '1s', {}, name='long')\n"


def shortened(script: str, replacements: dict[str, str], directory: Path) -> str:
    """A copy of one of the scripts of `configs`, in which some words are others; returns its path."""
    text = (CONFIGS / script).read_text()
    for words, others in replacements.items():
        assert words in text
        text = text.replace(words, others)
    (directory / script).write_text(text)
    return str(directory / script)


def report_of(path: Path) -> dict[str, Any]:
    """The report, read."""
    report: dict[str, Any] = yaml.safe_load(path.read_text())
    return report


class Abandoned(NamedTuple):
    """A load-starter whose daemon, at `url`, was killed."""

    program: Program
    url: str
    report: Path


@pytest.fixture(scope="module", autouse=True)
def abandoned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Abandoned]:
    """It is made before all tests of this module, because it is patient: they can pass while it waits."""
    directory = tmp_path_factory.mktemp("abandoned")
    (directory / "plan.star").write_text(LONG)
    with programs.sink() as target, programs.daemon(target.url, directory) as mortal:
        argv = [*LOAD_STARTER, "plan.star", "--load-server", mortal.url, "-r", "report.yaml"]
        with started(argv, cwd=directory) as program:
            target.hit(20)
            mortal.program.end(signal.SIGKILL)
            yield Abandoned(program, mortal.url, directory / "report.yaml")


@pytest.mark.parametrize(
    ("script", "replacements", "planned"),
    [
        ("session.star", {"10 * Second": "Second", "freq = 1000": "freq = 300"}, [300]),
        ("ramp.star", {"20 * Second": "2 * Second", "STEPS = 5": "STEPS = 3", "500 *": "100 *"}, [60, 120, 240]),
        ("transaction.star", {"5 * Second,\n        test": "Second,\n        test"}, [500, 100]),
    ],
)
def test_a_script_ends_as_a_true_report(
    daemon: Daemon, sink: Sink, tmp_path: Path, script: str, replacements: dict[str, str], planned: list[int]
) -> None:
    """Script, table, report, daemon and target tell the same numbers, and everything sent is a valid envelope."""
    path = shortened(script, replacements, tmp_path)
    done = ran([*LOAD_STARTER, path, "--load-server", daemon.url, "-r", "report.yaml"], cwd=tmp_path)
    assert done.status == 0, done
    assert done.out.count("100.00%") == len(planned)
    report = report_of(tmp_path / "report.yaml")
    assert report["status"] == "finished"
    assert [entry["result"]["planned"] for entry in report["testRuns"]] == planned
    for entry in report["testRuns"]:
        run = daemon.run(entry["runId"])
        programs.assert_all_accounted_for(run)
        verdict = {"generatorLimited": run["generatorLimited"], "reasons": run["reasons"]}
        assert entry["result"] == run["summary"] | verdict
        assert entry["result"]["statusCodes"] == {"200": entry["result"]["planned"]}
        assert f" {entry['result']['sent']} " in done.out
    stats = sink.stats()
    assert (stats["requests"], stats["badRequests"]) == (sum(planned), 0)
    assert stats["bytes"] == sum(entry["result"]["bytesOut"] for entry in report["testRuns"])
    assert_envelopes(sink.bodies(), sum(planned))


def assert_envelopes(bodies: list[bytes], number: int) -> None:
    """So many bodies are envelopes to Sentry's own parser, each with the one item that a hit sends."""
    assert len(bodies) == number
    kinds = set()
    for body in bodies:
        (item,) = Envelope.deserialize(body).items
        assert json.loads(item.get_bytes())
        kinds.add(item.type)
    assert kinds in ({"session"}, {"transaction"})


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_script_stops_its_attack(
    daemon: Daemon, sink: Sink, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    """Afterwards the daemon is idle, and the report has what was sent until then."""
    (tmp_path / "plan.star").write_text(LONG)
    argv = [*LOAD_STARTER, "plan.star", "--load-server", daemon.url, "-r", "report.yaml"]
    with started(argv, cwd=tmp_path) as program:
        sink.hit(20)
        done = program.end(number)
    assert (done.status, daemon.status()) == (status, {"status": "idle"})
    assert "Traceback" not in done.err
    (entry,) = report_of(tmp_path / "report.yaml")["testRuns"]
    assert (entry["status"], entry["result"]["sent"]) == ("interrupted", sink.requests)
    assert daemon.run(entry["runId"])["state"] == "stopped"


def test_a_daemon_that_comes_back_tells_how_the_test_ended(sink: Sink, tmp_path: Path) -> None:
    """A daemon that is started again within the patience of load-starter reports the run that died with it."""
    (tmp_path / "plan.star").write_text(LONG)
    with programs.daemon(sink.url, tmp_path) as mortal:
        port = mortal.url.rpartition(":")[2]
        argv = [*LOAD_STARTER, "plan.star", "--load-server", mortal.url, "-r", "report.yaml"]
        with started(argv, cwd=tmp_path) as program:
            mortal.attacks_for(1.5)
            mortal.program.end(signal.SIGKILL)
            with programs.daemon(sink.url, tmp_path, "--port", port):
                done = program.ended()
    assert done.status == 1
    (entry,) = report_of(tmp_path / "report.yaml")["testRuns"]
    assert (entry["status"], entry["error"]) == ("failed", "the daemon ended while the run was alive")
    assert entry["result"]["answered"] > 0


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_a_test_that_the_daemon_would_refuse_ends_with_2(daemon: Daemon, tmp_path: Path, options: tuple[str]) -> None:
    """Before anything runs, all mistakes are told in the daemon's own words, each with its line of the script."""
    before = daemon.runs()["total"]
    script = """
add_vegeta_test('1s', 'session', 1, '1s', {})
add_vegeta_test('1s', 'sesion', 1, '1s', {}, name='slip')
for number in range(12):
    add_vegeta_test('1s', 'session', 1, '1s', {'startedRnge': '1s', 'numUsers': number})
add_vegeta_test('1s', 'session', 1, '1s', {'numUsers': -1})
add_vegeta_test('1s', 'refusing', 1, '1s', {})
"""
    (tmp_path / "plan.star").write_text(script)
    done = ran([*LOAD_STARTER, "plan.star", "--load-server", daemon.url, "-r", "report.yaml", *options], cwd=tmp_path)
    assert done.status == 2
    said = done.err.splitlines()[-5:]
    assert said[0].startswith("plan.star:3: slip: unknown test type 'sesion'; did you mean 'session'? known: ")
    assert said[0].endswith(" (at test_type)")
    assert said[1].startswith("plan.star:5: session: unknown key 'startedRnge'; did you mean 'startedRange'? known: ")
    assert said[1].endswith(" (at config.startedRnge) (11 more of the tests made there have this, too)")
    assert said[2] == "plan.star:6: session: Expected `int` >= 0 (at config.numUsers)"
    assert said[3].startswith("plan.star:7: refusing: test type 'refusing' cannot make a request: no payloads today")
    assert said[4] == "15 tests would be refused; nothing was run"
    assert daemon.runs()["total"] == before
    assert not (tmp_path / "report.yaml").exists()


def test_a_target_that_never_answers_ends_with_1(tmp_path: Path, closed_port: str) -> None:
    """A test in which not one hit was answered has failed, and the report says how."""
    (tmp_path / "plan.star").write_text("add_vegeta_test('500ms', 'session', 20, '1s', {})")
    with programs.daemon(closed_port, tmp_path) as control:
        done = ran([*LOAD_STARTER, "plan.star", "--load-server", control.url, "-r", "report.yaml"], cwd=tmp_path)
    assert done.status == 1
    assert "not one of 10 hits was answered (refused 10)" in done.err
    (entry,) = report_of(tmp_path / "report.yaml")["testRuns"]
    assert (entry["result"]["planned"], entry["result"]["errors"]) == (10, {"refused": 10})


def test_a_daemon_that_is_not_there_ends_with_1(tmp_path: Path, closed_port: str) -> None:
    """There is one clear line that names the URL."""
    (tmp_path / "plan.star").write_text(LONG)
    done = ran([*LOAD_STARTER, "plan.star", "--load-server", closed_port], cwd=tmp_path)
    assert done.status == 1
    assert [line for line in done.err.splitlines() if closed_port in line and "does not answer" in line]
    assert "Traceback" not in done.err


def test_a_bad_script_ends_with_2_and_leaves_the_daemon_alone(daemon: Daemon, tmp_path: Path) -> None:
    """The message names the line of the script, and nothing is sent to the daemon."""
    before = daemon.runs()["total"]
    (tmp_path / "plan.star").write_text(LONG + "add_sleep(Second + 1)\n")
    done = ran([*LOAD_STARTER, "plan.star", "--load-server", daemon.url], cwd=tmp_path)
    assert (done.status, done.out) == (2, "")
    assert "plan.star:2: duration + int is not possible" in done.err
    assert daemon.runs()["total"] == before


def test_a_daemon_that_dies_is_one_clear_line(abandoned: Abandoned) -> None:
    """When the daemon is killed under a script, load-starter says so, waits a while, gives up and says why."""
    done = abandoned.program.ended()
    assert done.status == 1
    assert "Traceback" not in done.err
    complaints = [line for line in done.err.splitlines() if "does not answer" in line]
    assert [line.endswith("waiting up to 15 s for it to come back") for line in complaints] == [True, False]
    assert all(abandoned.url in line for line in complaints)
    (entry,) = report_of(abandoned.report)["testRuns"]
    assert entry["status"] == "failed"
