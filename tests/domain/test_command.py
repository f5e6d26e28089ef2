"""What commands are accepted, what they mean, and what is said about the others."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.attack import SEEDED_EPOCH_NS
from load_tester.domain.command import (
    KEYS,
    MAX_RATE,
    Command,
    CommandDefaults,
    InvalidCommand,
    StopRequest,
    decode_command,
)
from load_tester.domain.duration import MILLISECOND, MINUTE, SECOND, Duration, format_ns
from load_tester.domain.pacer import ConstantPacer
from load_tester.domain.request import Request, Targeter
from load_tester.domain.test_type import BuildContext, InvalidParams, Registry, TestType


class EchoParams(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Parameters of a test type for these tests."""

    num_projects: int = 1
    started_range: Duration = Duration(0)


def _build(_params: EchoParams, _context: BuildContext) -> Targeter:
    return Targeter(lambda _seq, _now_ns: Request("GET", "/"))


def _check(params: EchoParams) -> None:
    if params.num_projects < 1:
        raise InvalidParams("numProjects must be at least 1", ".numProjects")


ECHO = TestType(name="echo", summary="Says what it was asked.", params=EchoParams, build=_build, check=_check)
ABSENT = TestType(
    name="absent", summary="Lacks something.", params=EchoParams, build=_build, unavailable="install its library"
)
REGISTRY = Registry([ECHO, ABSENT])
GOOD: dict[str, Any] = {"testType": "echo", "attackDuration": "10s", "numMessages": 100}


def decoded(**members: Any) -> Command:
    """The command that is `GOOD` but for some members."""
    command = decode_command(json.dumps(GOOD | members).encode(), REGISTRY)
    assert isinstance(command, Command)
    return command


def refusal(body: bytes) -> InvalidCommand:
    """Why the body is not accepted."""
    with pytest.raises(InvalidCommand) as caught:
        decode_command(body, REGISTRY)
    return caught.value


def answer(body: bytes) -> Command | StopRequest | InvalidCommand:
    """What comes of the body."""
    try:
        return decode_command(body, REGISTRY)
    except InvalidCommand as error:
        return error


def test_a_command_is_read_completely() -> None:
    """Every member of a command has its place, with spans in nanoseconds and the parameters checked."""
    command = decoded(
        name="n",
        description="d",
        per="2s",
        params={"numProjects": 3, "startedRange": "1m"},
        labels=[["a", "b"], ["c"]],
        timeout="500ms",
        maxConnections=7,
        seed=42,
        payloadTime="2025-01-02T03:04:05.5Z",
        workers=2,
    )
    assert command == Command(
        test_type="echo",
        duration_ns=10 * SECOND,
        num_messages=100,
        per_ns=2 * SECOND,
        params={"numProjects": 3, "startedRange": "1m0s"},
        name="n",
        description="d",
        labels=(("a", "b"), ("c",)),
        timeout_ns=500 * MILLISECOND,
        max_connections=7,
        workers=2,
        seed=42,
        epoch_ns=1_735_787_045_500_000_000,
    )


def test_what_a_command_leaves_open_is_filled_in() -> None:
    """A rate is per second unless said otherwise; timeout, connections and workers come from the daemon's settings."""
    defaults = CommandDefaults(timeout_ns=MINUTE, max_connections=5, workers=3)
    command = decode_command(json.dumps(GOOD).encode(), REGISTRY, defaults)
    assert isinstance(command, Command)
    assert command.per_ns == SECOND
    assert (command.timeout_ns, command.max_connections, command.workers) == (MINUTE, 5, 3)
    assert command.params == {"numProjects": 1, "startedRange": "0s"}
    assert (command.seed, command.epoch_ns) == (None, None)


def test_keys_match_without_regard_to_case() -> None:
    """Upstream's decoder ignores the case of keys, of commands and of parameters, and so do scripts that rely on it."""
    body = b'{"TESTTYPE": "echo", "attackduration": "1s", "Params": {"NUMPROJECTS": 2}}'
    command = decode_command(body, REGISTRY)
    assert isinstance(command, Command)
    assert command.params["numProjects"] == 2


def test_null_means_absent() -> None:
    """Every member may be null instead of being left out."""
    assert decoded(**dict.fromkeys(set(KEYS) - set(GOOD))) == decoded()


def test_no_number_of_messages_means_as_fast_as_the_target_answers() -> None:
    """`numMessages` 0 or absent is an unlimited rate, as upstream has it."""
    assert decoded(numMessages=0).num_messages == 0
    assert decoded(numMessages=None).num_messages == 0


@pytest.mark.parametrize("members", [{}, {"attackDuration": ""}, {"attackDuration": "0s"}, {"attackDuration": None}])
def test_a_command_without_a_duration_is_a_stop_request(members: dict[str, Any]) -> None:
    """Upstream stops with a command whose duration is absent, empty or zero."""
    assert decode_command(json.dumps({"name": "x"} | members).encode(), REGISTRY) == StopRequest()


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"testType": "ehco"}, "$.testType"),
        ({"testType": "echo", "params": {"zzz": 1}}, "$.params.zzz"),
        ({"numMessages": -5}, "$.numMessages"),
        ({"per": "bogus"}, "$.per"),
        ({"timeout": "0s"}, "$.timeout"),
        ({"seed": -1}, "$.seed"),
    ],
)
def test_a_command_that_lacks_its_duration_and_is_wrong_stops_nothing(members: dict[str, Any], path: str) -> None:
    """Whoever forgot the duration did not ask for a stop; where nothing is wrong, upstream has it that they did."""
    with pytest.raises(InvalidCommand) as caught:
        decode_command(json.dumps(members).encode(), REGISTRY)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("members", "path", "words"),
    [
        ({"attackDuration": "5"}, "$.attackDuration", "lacks a unit"),
        ({"attackDuration": "1d"}, "$.attackDuration", "unknown unit 'd'"),
        ({"attackDuration": "-1s"}, "$.attackDuration", "must be between"),
        ({"attackDuration": "10000h"}, "$.attackDuration", "must be between"),
        ({"attackDuration": "9" * 5000 + "s"}, "$.attackDuration", "5001 characters"),
        ({"attackDuration": 5}, "$.attackDuration", "Expected `str"),
        ({"numMessages": -1}, "$.numMessages", "must not be negative"),
        ({"numMessages": True}, "$.numMessages", "Expected `int"),
        ({"numMessages": 1.5}, "$.numMessages", "Expected `int"),
        ({"numMessages": "5"}, "$.numMessages", "Expected `int"),
        ({"numMessages": 10**30}, "$.numMessages", "hits per second"),
        ({"numMessages": MAX_RATE + 1}, "$.numMessages", "hits per second"),
        ({"numMessages": 1, "per": "1ns"}, "$.numMessages", "hits per second"),
        ({"per": "0s"}, "$.per", "more than 0"),
        ({"per": "-1s"}, "$.per", "more than 0"),
        ({"per": "0s", "numMessages": 0}, "$.per", "more than 0"),
        ({"per": ""}, "$.per", "not a duration"),
        ({"testType": "ehco"}, "$.testType", "did you mean 'echo'? known: absent, echo"),
        ({"testType": None}, "$.testType", "missing; known: absent, echo"),
        ({"testType": 3}, "$.testType", "Expected `str"),
        ({"params": []}, "$.params", "Expected `object"),
        ({"params": {"numProject": 1}}, "$.params.numProject", "did you mean 'numProjects'?"),
        ({"params": {"numProjects": "1"}}, "$.params.numProjects", "Expected `int`"),
        ({"params": {"numProjects": 0}}, "$.params.numProjects", "at least 1"),
        ({"params": {"startedRange": "1x"}}, "$.params.startedRange", "unknown unit 'x'"),
        ({"labels": "a"}, "$.labels", "Expected `array"),
        ({"labels": [["a", 1]]}, "$.labels[0][1]", "Expected `str`"),
        ({"timeout": "0s"}, "$.timeout", "must be between"),
        ({"timeout": "2h"}, "$.timeout", "must be between 1ns and 1h0m0s"),
        ({"maxConnections": 0}, "$.maxConnections", "between 1 and 65535"),
        ({"maxConnections": 65536}, "$.maxConnections", "between 1 and 65535"),
        ({"workers": 257}, "$.workers", "between 1 and 256"),
        ({"seed": -1}, "$.seed", "between 0 and"),
        ({"seed": 2**63}, "$.seed", "between 0 and"),
        ({"payloadTime": "yesterday"}, "$.payloadTime", "or 'now'"),
        ({"rate": 5}, "$.rate", "unknown key 'rate'"),
        ({"TestType": "echo"}, "$.TestType", "given twice"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(members: dict[str, Any], path: str, words: str) -> None:
    """A wrong key, type or value is refused with a path to it and a sentence that helps."""
    error = refusal(json.dumps(GOOD | members).encode())
    assert (path, True) == (error.path, words in error.message), error.message


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "JSON object"),
        (b"null", "JSON object"),
        (b"\xff{}", "not UTF-8"),
    ],
)
def test_what_is_not_a_json_object_is_refused(body: bytes, words: str) -> None:
    """A body that is no JSON object is refused as a whole."""
    error = refusal(body)
    assert error.path == "$"
    assert words in error.message


def test_a_key_that_is_given_twice_is_refused() -> None:
    """Two values for one key are a mistake in the script, at every depth."""
    body = b'{"testType":"echo","attackDuration":"1s","params":{"numProjects":1,"numProjects":2}}'
    assert refusal(body).path == "$.params.numProjects"


@given(
    members=st.fixed_dictionaries(
        {
            "attackDuration": st.integers(1, 366 * 86_400 * SECOND).map(format_ns),
            "numMessages": st.integers(0, 10**20),
            "per": st.integers(1, 2**63 - 1).map(format_ns),
        }
    )
)
def test_an_accepted_command_has_a_countable_schedule(members: dict[str, Any]) -> None:
    """Whatever rate and duration are accepted, the number of hits fits into 63 bits."""
    command = answer(json.dumps(GOOD | members).encode())
    if isinstance(command, InvalidCommand):
        assert command.path == "$.numMessages", "the only reason is a rate nobody can send"
    elif isinstance(command, Command) and command.num_messages:
        assert ConstantPacer(command.num_messages, command.per_ns).hits(command.duration_ns) < 2**63


@given(
    body=st.one_of(
        st.binary(max_size=50),
        st.dictionaries(
            st.sampled_from(KEYS), st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.lists(st.text()))
        ).map(lambda members: json.dumps(members).encode()),
    )
)
def test_no_body_leads_to_anything_but_an_answer(body: bytes) -> None:
    """Whatever comes, it is a command, a stop request, or refused with a path from the root."""
    outcome = answer(body)
    if isinstance(outcome, InvalidCommand):
        assert outcome.path.startswith("$")
        assert outcome.message


@pytest.mark.parametrize(
    ("members", "epoch_ns"),
    [
        ({}, None),
        ({"seed": 1}, SEEDED_EPOCH_NS),
        ({"seed": 1, "payloadTime": "now"}, None),
        ({"payloadTime": "1970-01-01T00:00:01Z"}, SECOND),
    ],
)
def test_a_seed_fixes_what_counts_as_now(members: dict[str, Any], epoch_ns: int | None) -> None:
    """With a seed the same command gives the same bytes, so timestamps do not follow the clock unless asked to."""
    assert decoded(**members).epoch_ns == epoch_ns


@pytest.mark.parametrize("members", [{}, {"seed": 7}, {"workers": 2, "labels": [["x"]], "per": "1.5s"}])
def test_the_wire_form_gives_the_same_attack_again(members: dict[str, Any]) -> None:
    """A command that is written out in full, with the seed in use, means the same when it is read again."""
    command = decoded(**members)
    again = decoded(**command.wire(seed=7))
    assert again == msgspec.structs.replace(command, seed=7)
    assert set(command.wire(seed=7)) | {"workers"} == set(KEYS)


def test_a_test_type_that_this_installation_lacks_is_refused_with_what_to_do() -> None:
    """It is known, so the reader is not told that it is not."""
    refused = refusal(json.dumps(GOOD | {"testType": "absent"}).encode())
    assert refused.path == "$.testType"
    assert refused.message == "test type 'absent' cannot be run here: install its library"
