"""The client of the load tester's API: what it sends, repeats and refuses."""

import json
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
import httpx
import msgspec
import pytest
import respx

from load_starter.client import (
    BATCH,
    BATCH_BYTES,
    RETRIES,
    Accepted,
    CommandRefused,
    LoadTester,
    Unreachable,
    Verdict,
)
from load_starter.testing import EPOCH, VirtualClock, figures
from load_tester.domain.run import Run, RunState

URL = "http://tester.test:8000"
T = TypeVar("T")
RUN = Run(id="r1", state=RunState.RUNNING, created_at=EPOCH, summary=figures())


def asked(question: Callable[[LoadTester], Awaitable[T]]) -> T:
    """The answer of a load tester to one question; waiting takes no time."""

    async def ask() -> T:
        async with httpx.AsyncClient() as http:
            return await question(LoadTester(URL, http, VirtualClock().sleep))

    return anyio.run(ask)


@respx.mock
def test_a_command_is_posted_as_json_with_upstreams_path() -> None:
    """The body is the command; the slash at the end is upstream's; the run's id is in the reply."""
    route = respx.post(f"{URL}/command/").respond(json={"status": "ok", "runId": "r1"})
    assert asked(lambda tester: tester.start({"testType": "session"})) == Accepted("r1")
    request = route.calls.last.request
    assert json.loads(request.content) == {"testType": "session"}
    assert request.headers["content-type"] == "application/json"


@respx.mock
@pytest.mark.parametrize("reply", ["Command Accepted", '"Attack forwarded to workers"', "{}", '{"runId": 5}'])
def test_a_load_tester_without_runs_is_recognised(reply: str) -> None:
    """Upstream's replies to a command hold no run."""
    respx.post(f"{URL}/command/").respond(text=reply)
    assert asked(lambda tester: tester.start({})) == Accepted(None)


@respx.mock
@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (400, '{"error": "unknown test type", "path": "$.testType"}', "unknown test type (at $.testType; status 400)"),
        (400, "Could not parse body", "Could not parse body (status 400)"),
        (503, '{"error": "no worker"}', "no worker (status 503)"),
        (500, "", "Internal Server Error (status 500)"),
        (307, "", "Temporary Redirect (status 307)"),
        (500, "x" * 5000, "x" * 1000 + " (status 500)"),
    ],
)
def test_a_refused_command_is_not_sent_again(status: int, body: str, message: str) -> None:
    """Whatever is not a 200 is a refusal with what the load tester said, at once."""
    route = respx.post(f"{URL}/command/").respond(status, text=body)
    with pytest.raises(CommandRefused) as caught:
        asked(lambda tester: tester.start({}))
    assert str(caught.value) == message
    assert route.call_count == 1


@respx.mock
def test_a_command_is_sent_again_only_when_no_connection_was_made() -> None:
    """A refused connection cannot have started anything."""
    route = respx.post(f"{URL}/command/")
    route.side_effect = [httpx.ConnectError("refused"), httpx.Response(200, json={"runId": "r1"})]
    assert asked(lambda tester: tester.start({})) == Accepted("r1")
    assert route.call_count == 2


@respx.mock
@pytest.mark.parametrize("error", [httpx.ReadTimeout("slow"), httpx.ReadError("reset"), httpx.RemoteProtocolError("x")])
def test_a_command_that_may_have_been_heard_is_not_sent_again(error: httpx.TransportError) -> None:
    """A second attack is worse than a test that is reported as failed."""
    route = respx.post(f"{URL}/command/").mock(side_effect=error)
    with pytest.raises(Unreachable, match=r"http://tester\.test:8000 does not answer: "):
        asked(lambda tester: tester.start({}))
    assert route.call_count == 1


@respx.mock
@pytest.mark.parametrize("failure", [httpx.ReadTimeout("slow"), httpx.ConnectError("refused"), httpx.Response(503)])
def test_looking_and_stopping_are_repeated(failure: httpx.TransportError | httpx.Response) -> None:
    """What changes nothing when it is repeated survives failures that pass."""
    stop = respx.get(f"{URL}/stop/")
    stop.side_effect = [failure] * RETRIES + [httpx.Response(200)]
    look = respx.get(f"{URL}/runs/r1")
    look.side_effect = [failure] * RETRIES + [httpx.Response(200, content=msgspec.json.encode(RUN))]
    asked(lambda tester: tester.stop())
    assert asked(lambda tester: tester.run("r1")) == RUN
    assert stop.call_count == look.call_count == RETRIES + 1


@respx.mock
def test_repeating_has_an_end() -> None:
    """A load tester that stays away is unreachable."""
    route = respx.get(f"{URL}/stop/").mock(side_effect=httpx.ConnectError("refused"))
    with pytest.raises(Unreachable, match="refused"):
        asked(lambda tester: tester.stop())
    assert route.call_count == RETRIES + 1


@respx.mock
def test_a_running_attack_is_read_from_the_status() -> None:
    """While the run is the current one, its record with all its seconds is not asked for."""
    respx.get(f"{URL}/status").respond(content=msgspec.json.encode({"status": "running", "run": RUN}))
    assert asked(lambda tester: tester.live("r1")) == RUN


@respx.mock
@pytest.mark.parametrize(
    "status",
    [
        httpx.Response(200, json={"status": "idle"}),
        httpx.Response(404),
        httpx.Response(200, text="?"),
        httpx.Response(200, content=msgspec.json.encode({"run": msgspec.structs.replace(RUN, id="r2")})),
    ],
)
def test_a_run_that_is_not_the_current_one_is_read_from_its_record(status: httpx.Response) -> None:
    """Also when another attack has replaced it, or the load tester has no status."""
    respx.get(f"{URL}/status").mock(return_value=status)
    details = msgspec.to_builtins(RUN) | {"timeline": [{"second": 0}], "unknown": 1}
    respx.get(f"{URL}/runs/r1").respond(content=msgspec.json.encode(details))
    assert asked(lambda tester: tester.live("r1")) == RUN


@respx.mock
@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (httpx.Response(404, json={"error": "there is no such run"}), "there is no such run"),
        (httpx.Response(200, text="<html>"), "describes the run in an unknown form"),
        (httpx.Response(200, json={"id": "r1", "state": "asleep"}), "describes the run in an unknown form"),
    ],
)
def test_an_unknown_run_or_answer_is_an_error(reply: httpx.Response, message: str) -> None:
    """What is not a run is not taken for one."""
    respx.get(f"{URL}/runs/r1").mock(return_value=reply)
    with pytest.raises(CommandRefused, match=message):
        asked(lambda tester: tester.run("r1"))


def verdict_on(request: httpx.Request) -> httpx.Response:
    """A load tester that finds fault with tests called bad."""
    commands = json.loads(request.content)
    return httpx.Response(
        200, json=[{"error": "no"} if command["name"] == "bad" else {"status": "ok"} for command in commands]
    )


@respx.mock
def test_many_commands_are_validated_in_parts() -> None:
    """Ten thousand need a hundred requests, none of which is too long; the verdicts are in order."""
    route = respx.post(f"{URL}/validate").mock(side_effect=verdict_on)
    commands = [{"name": "bad" if number == 4321 else "good"} for number in range(10_000)]
    verdicts = asked(lambda tester: tester.validate(commands))
    assert verdicts is not None
    assert [number for number, verdict in enumerate(verdicts) if verdict.error] == [4321]
    assert (len(verdicts), route.call_count) == (10_000, 10_000 // BATCH)
    long = [{"name": "x" * (BATCH_BYTES // 3)} for _ in range(7)]
    asked(lambda tester: tester.validate(long))
    assert [len(json.loads(call.request.content)) for call in route.calls[-4:]] == [2, 2, 2, 1]


@respx.mock
def test_nothing_to_validate_needs_no_request() -> None:
    """A plan of pauses, say."""
    assert asked(lambda tester: tester.validate([])) == ()


@respx.mock
@pytest.mark.parametrize("status", [404, 405])
def test_a_load_tester_that_cannot_validate_is_recognised(status: int) -> None:
    """Upstream's do not know the path."""
    route = respx.post(f"{URL}/validate").respond(status, text="404 page not found")
    assert asked(lambda tester: tester.validate([{"name": "good"}] * 1000)) is None
    assert route.call_count == 1


@respx.mock
def test_a_command_that_is_too_long_is_a_mistake_of_the_script() -> None:
    """As the load tester would not read it either when it is to start."""
    respx.post(f"{URL}/validate").respond(413, json={"error": "the body is over 1048576 bytes"})
    verdicts = asked(lambda tester: tester.validate([{"name": "x" * 2_000_000}]))
    assert verdicts == (Verdict(error="the body is over 1048576 bytes"),)


@respx.mock
@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (httpx.Response(500, json={"error": "internal error"}), r"internal error \(status 500\)"),
        (httpx.Response(200, text="<html>"), "the verdicts have an unknown form"),
        (httpx.Response(200, json=[]), "1 commands got 0 verdicts"),
        (httpx.Response(200, json=[{"error": 5}]), "the verdicts have an unknown form"),
    ],
)
def test_what_are_no_verdicts_is_not_taken_for_them(reply: httpx.Response, message: str) -> None:
    """Neither good nor bad."""
    respx.post(f"{URL}/validate").mock(return_value=reply)
    with pytest.raises(CommandRefused, match=message):
        asked(lambda tester: tester.validate([{"name": "good"}]))


@respx.mock
def test_validation_does_not_wait_for_a_load_tester() -> None:
    """It is asked once: the plan can do without."""
    route = respx.post(f"{URL}/validate").mock(side_effect=httpx.ConnectError("refused"))
    with pytest.raises(Unreachable, match="refused"):
        asked(lambda tester: tester.validate([{}]))
    assert route.call_count == 1
