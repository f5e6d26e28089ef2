"""`load-tester attack` as a process, against a real target."""

import signal
from pathlib import Path

import msgspec
import pytest

from load_tester.cli.attack import CouldNotRun
from load_tester.domain.duration import HOUR, MINUTE
from load_tester.domain.run import Run, RunState
from load_tester.sink.behaviour import Behaviour
from load_tester.sink.delay import parse_delay
from load_tester.sink.server import Sink
from tests.cli.program import attack, ending, line, run, started

pytestmark = pytest.mark.anyio

PLUGIN = """
import msgspec
from load_tester.domain.request import Request, Targeter
from load_tester.domain.test_type import TestType

class Params(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    fail_at: int = 5

def build(params, context):
    def request(seq, now_ns):
        if seq >= params.fail_at:
            raise RuntimeError("out of ideas")
        return Request("GET", f"/{seq}")
    return Targeter(request)

RAISING = TestType(name="raising", summary="Raises at a hit.", params=Params, build=build)
"""


def plugin(directory: Path) -> dict[str, str]:
    """An environment in which a package with the test type `raising` is installed."""
    (directory / "raising_plugin.py").write_text(PLUGIN)
    metadata = directory / "raising_plugin-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: raising-plugin\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[load_tester.test_types]\nraising = raising_plugin:RAISING\n")
    return {"PYTHONPATH": str(directory)}


async def test_an_attack_sends_what_was_asked_for_and_reports_it(tmp_path: Path) -> None:
    """The target counts exactly the hits of the plan; the report goes to standard output, the rest does not."""
    async with Sink() as sink:
        ended = await run(*attack(sink.url, tmp_path, "--name", "baseline", "--label", "env=test"))
        assert sink.stats().requests == 50
    assert ended.status == 0, ended.err
    assert "session: 100 hits per 1s for 500ms (50 hits in all)" in ended.out
    assert "50 planned, 50 sent" in ended.out
    assert "baseline" in ended.out
    assert "env=test" in ended.out
    assert "Ctrl-C ends it" in ended.err


async def test_the_run_is_kept_and_can_be_listed_and_printed_again(tmp_path: Path) -> None:
    """`runs` knows it, and `report` prints what the attack printed."""
    async with Sink() as sink:
        attacked = await run(*attack(sink.url, tmp_path))
    listed = await run("runs", "--data-dir", tmp_path)
    printed = await run("report", "latest", "--data-dir", tmp_path)
    assert printed.out == attacked.out
    run_id = attacked.out.split()[1]
    assert run_id in listed.out
    assert sink.url in listed.out


async def test_the_report_can_be_json(tmp_path: Path) -> None:
    """It is the run as the daemon's API has it, and nothing else is on standard output."""
    async with Sink(Behaviour(error_ratio=1.0, error_status=500)) as sink:
        ended = await run(*attack(sink.url, tmp_path, "--json"))
    assert ended.status == 0
    record = msgspec.json.decode(ended.out, type=Run)
    assert (record.state, record.summary.sent, record.summary.status_codes) == (RunState.FINISHED, 50, {"500": 50})


async def test_the_same_seed_sends_the_same_bytes(tmp_path: Path) -> None:
    """Two attacks with one seed and one worker cannot be told apart by their payloads; another seed can."""
    sent = []
    async with Sink(record=1000) as sink:
        for seed in (7, 7, 8):
            ended = await run(*attack(sink.url, tmp_path, "--seed", seed, "--workers", 1))
            assert ended.status == 0, ended.err
            sent.append(sorted((one.target, one.body) for one in sink.recorded()))
            sink.reset()
    assert len(sent[0]) == 50
    assert sent[0] == sent[1]
    assert sent[0] != sent[2]


async def test_parameters_come_from_a_file_or_standard_input(tmp_path: Path) -> None:
    """Both ways reach the payloads; a text on the command line is tested with what it can do wrong."""
    text = '{"numProjects": 1, "numUsers": 3}'
    file = tmp_path / "params.json"
    file.write_text(text)
    async with Sink() as sink:
        for given, stdin in ((f"@{file}", b""), ("@-", text.encode())):
            ended = await run(*attack(sink.url, tmp_path, "--params", given, "--json"), stdin=stdin)
            assert msgspec.json.decode(ended.out, type=Run).command["params"]["numUsers"] == 3, ended.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupted_attack_reports_what_was_sent(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C ends it in order: nothing more is sent, every hit is accounted for, the record is stored, exit 0."""
    async with Sink() as sink, started(*attack(sink.url, tmp_path, "--json", duration_ns=HOUR)) as process:
        await sink.until(20)
        process.send_signal(number)
        ended = await ending(process)
        requests = sink.stats().requests
    assert ended.status == 0, ended.err
    record = msgspec.json.decode(ended.out, type=Run)
    assert record.state is RunState.STOPPED
    assert record.summary.sent == record.summary.planned == requests
    assert (await run("report", record.id, "--data-dir", tmp_path)).out.startswith("Run ")


async def test_a_second_interruption_ends_the_program_at_once(tmp_path: Path) -> None:
    """Whoever insists does not wait for hits in flight."""
    async with (
        Sink(Behaviour(latency=parse_delay("1h"))) as sink,
        started(*attack(sink.url, tmp_path, "--timeout", "1h", duration_ns=MINUTE)) as process,
    ):
        await sink.until(5)
        process.send_signal(signal.SIGINT)
        while not (await line(process.stderr)).startswith("Stopping"):
            pass
        process.send_signal(signal.SIGINT)
        ended = await ending(process)
    assert (ended.status, ended.out) == (130, "")


async def test_a_target_that_is_not_there_is_a_result(tmp_path: Path) -> None:
    """The attack ran: every hit failed, and the report says why."""
    async with Sink() as sink:
        url = sink.url
    ended = await run(*attack(url, tmp_path))
    assert ended.status == 0
    assert "0 answered, 50 failed" in ended.out
    assert "the target refused the connection" in ended.out


async def test_a_generator_that_raises_makes_the_attack_fail(tmp_path: Path) -> None:
    """The exit status is 1, and the report tells the message; the test type of an installed package was found."""
    async with Sink() as sink:
        ended = await run(*attack(sink.url, tmp_path, "--type", "raising"), env=plugin(tmp_path))
        assert sink.stats().requests == 5
    assert ended.status == 1
    assert "failed" in ended.out.splitlines()[0]
    assert "out of ideas" in ended.out.splitlines()[1]


async def test_an_attack_whose_first_request_cannot_be_made_is_a_wrong_option(tmp_path: Path) -> None:
    """It is found out before anything starts, and no record is made."""
    async with Sink() as sink:
        argv = attack(sink.url, tmp_path, "--type", "raising", "--params", '{"failAt": 0}')
        ended = await run(*argv, env=plugin(tmp_path))
        assert sink.stats().requests == 0
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("Error: --params: ")
    assert ended.err.count("\n") == 1
    assert (await run("runs", "--data-dir", tmp_path)).out == "There are no runs yet\n"


def test_what_could_not_run_has_its_own_status() -> None:
    """It differs from the status of a wrong option."""
    assert CouldNotRun.exit_code == 1
