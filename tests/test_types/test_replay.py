"""Test type `replay`: the trace's requests at the trace's times."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.command import Command, InvalidCommand, decode_command
from load_tester.domain.duration import MILLISECOND, SECOND
from load_tester.domain.files import CarriedFiles
from load_tester.domain.pacer import ALL_HITS, Pacing, Share, TracePacer
from load_tester.domain.project import MADE_UP_PROJECTS
from load_tester.domain.proof import Proof, prove
from load_tester.domain.request import Request, Targeter
from load_tester.domain.test_type import BuildContext, InvalidParams, Registry
from test_types.replay import OTHER, REPLAY

LOG = "".join(
    f'127.0.0.1 - - [02/Jan/2025:15:04:{second:02} +0000] "{request} HTTP/1.1" 200 5\n'
    for second, request in ((5, "GET /a?x=1"), (5, "GET /b"), (6, "POST /a"), (9, "GET /a?x=1"))
)
CENTURY = b"".join(b'{"time": "%d-01-01T00:00:00Z", "method": "GET", "url": "/"}\n' % year for year in (1999, 2099))
FILES = CarriedFiles({"access.log": LOG.encode(), "noise.log": f"{LOG}noise\n".encode(), "century.json": CENTURY})


def context(share: Share = ALL_HITS) -> BuildContext:
    """What a builder may use."""
    return BuildContext(Random(1), MADE_UP_PROJECTS, share, FILES)


def built(params: dict[str, Any], share: Share = ALL_HITS) -> Targeter:
    """The targeter of a share of the hits."""
    return REPLAY.build(REPLAY.decode(params), context(share))


def scheduled(params: dict[str, Any]) -> Pacing:
    """The schedule of the trace."""
    assert REPLAY.schedule is not None
    return REPLAY.schedule(REPLAY.decode(params), context())


def proven(params: dict[str, Any], duration: str = "1h") -> Proof:
    """What is known of an attack before it starts."""
    wire = {"testType": "replay", "attackDuration": duration, "params": params}
    command = decode_command(json.dumps(wire).encode(), Registry([REPLAY]))
    assert isinstance(command, Command)
    return prove(command, Registry([REPLAY]), MADE_UP_PROJECTS, 0, FILES)


def test_a_file_is_replayed_as_it_was_recorded() -> None:
    """Method, path and query of each request, each at its time."""
    request = built({"file": "access.log"}).request
    assert [request(seq, 0) for seq in range(4)] == [
        Request("GET", "/a?x=1"),
        Request("GET", "/b"),
        Request("POST", "/a"),
        Request("GET", "/a?x=1"),
    ]
    assert scheduled({"file": "access.log"}) == TracePacer.of([0, SECOND // 2, SECOND, 4 * SECOND])


@pytest.mark.parametrize(
    ("speed", "last_ns"), [(1, 4 * SECOND), (2, 2 * SECOND), (0.5, 8 * SECOND), (3, 4 * SECOND // 3)]
)
def test_the_speed_scales_the_schedule(speed: float, last_ns: int) -> None:
    """Twice as fast takes half the time."""
    assert scheduled({"file": "access.log", "speed": speed}).due(3) == last_ns


def test_a_trace_can_be_written_into_the_command() -> None:
    """With headers and bodies; entries are sorted, and times count from the start of the attack."""
    entries = [
        {"at": "2s", "path": "/late"},
        {"at": "500ms", "method": "PUT", "path": "/x?y", "headers": {"X-A": "1"}, "body": "ж"},
    ]
    request = built({"entries": entries}).request
    assert request(0, 0) == Request("PUT", "/x?y", (("X-A", "1"),), "ж".encode())
    assert request(1, 0) == Request("GET", "/late")
    assert scheduled({"entries": entries}) == TracePacer.of([500 * MILLISECOND, 2 * SECOND])
    assert scheduled({"entries": entries, "methods": ["GET"], "speed": 2}) == TracePacer.of([SECOND])


def test_the_same_request_is_the_same_object() -> None:
    """So the engine need not write it anew for every hit."""
    request = built({"file": "access.log"}).request
    assert request(0, 0) is request(3, 0)


entries = st.lists(
    st.fixed_dictionaries(
        {"at": st.integers(0, 5000).map(lambda ms: f"{ms}ms"), "path": st.sampled_from(["/a", "/b?c"])}
    ),
    min_size=1,
    max_size=30,
)


@given(entries, st.integers(1, 5), st.integers(0, 3))
def test_all_workers_together_replay_the_whole_trace(
    given_entries: list[dict[str, str]], workers: int, done: int
) -> None:
    """Each its own hits, whoever took over from whom."""
    params = {"entries": given_entries}
    whole = built(params).request
    for worker in range(workers):
        share = Share(worker + done * workers, workers)
        request = built(params, share).request
        for seq in range(share.first, len(given_entries), workers):
            assert request(seq, 0) == whole(seq, 0)


def test_figures_can_be_kept_for_each_method_and_path() -> None:
    """The query does not matter; without being asked for, all hits are one kind."""
    targeter = built({"file": "access.log", "byPath": True})
    assert targeter.targets == ("GET /a", "GET /b", "POST /a")
    assert [targeter.request(seq, 0).target for seq in range(4)] == [0, 1, 2, 0]
    assert built({"file": "access.log"}).targets == ()


def test_with_too_many_paths_the_rarest_are_counted_together() -> None:
    """There are never more than a hundred kinds."""
    many = [{"path": f"/{number}"} for number in range(101)] + [{"path": "/100"}]
    targeter = built({"entries": many, "byPath": True})
    assert len(targeter.targets) == 100
    assert (targeter.targets[0], targeter.targets[-1]) == ("GET /100", OTHER)
    counted = [targeter.targets[targeter.request(seq, 0).target] for seq in range(102)]
    assert counted.count(OTHER) == 2
    exactly = built({"entries": many[:100], "byPath": True})
    assert len(exactly.targets) == 100
    assert OTHER not in exactly.targets


@pytest.mark.parametrize(
    ("params", "path", "words"),
    [
        ({"file": "nowhere.log"}, "$.params.file", "there is no file 'nowhere.log'"),
        ({"file": "noise.log"}, "$.params.file", "noise.log: line 5: there is no time in brackets"),
        ({"file": "access.log", "format": "jtl"}, "$.params.file", "access.log: the first line names no column"),
        ({"file": "access.log", "methods": ["PUT"]}, "$.params.file", "no request in it that is to be replayed"),
        ({"file": "access.log", "format": "har"}, "$.params.format", "Invalid enum value 'har'"),
        ({"file": "access.log", "entries": [{"path": "/"}]}, "$.params.entries", "there is a file, too"),
        ({"speed": 0}, "$.params.speed", ">= 0.001"),
        ({"methods": ["GET\n"]}, "$.params.methods[0]", "matching regex"),
        ({"hosts": ["a"]}, "$.params.hosts", "hosts is about a file, and there is none"),
        ({"skipUnusable": True}, "$.params.skipUnusable", "is about a file, and there is none"),
        ({"format": "jtl"}, "$.params.format", "is about a file, and there is none"),
        ({"file": "century.json", "speed": 0.001}, "$.params.speed", "more than 292 years"),
        ({"methods": ["G T"]}, "$.params.methods[0]", "matching regex"),
        ({"methods": ["PUT"]}, "$.params.methods", "no entry has one of these methods"),
        ({"entries": []}, "$.params.entries", "length >= 1"),
        ({"entries": [{"path": "a"}]}, "$.params.entries[0].path", "matching regex"),
        ({"entries": [{"path": "/a\n"}]}, "$.params.entries[0].path", "matching regex"),
        ({"entries": [{"path": "/a b"}]}, "$.params.entries[0].path", "matching regex"),
        ({"entries": [{"at": "5"}]}, "$.params.entries[0].at", "lacks a unit"),
        ({"entries": [{"when": "5s"}]}, "$.params.entries[0].when", "unknown key 'when'; known: at, body"),
        ({"entries": [{"headers": {"a": "b\nc"}}]}, "$.params.entries[0].headers", "'a' is not well-formed"),
        ({"entries": [{"headers": {"a b": "c"}}]}, "$.params.entries[0].headers", "'a b' is not well-formed"),
        (
            {"entries": [{}, {"headers": {"content-length": "1"}}]},
            "$.params.entries[1].headers",
            "load tester's to say",
        ),
    ],
)
def test_what_cannot_be_replayed_is_refused_before_anything_starts(
    params: dict[str, Any], path: str, words: str
) -> None:
    """The message names the parameter, and the line of the file."""
    with pytest.raises(InvalidCommand) as caught:
        proven(params)
    assert caught.value.path == path
    assert words in caught.value.message


def test_a_trace_of_several_hosts_is_refused_until_one_is_chosen() -> None:
    """The message names the parameter that helps, and the hosts to choose from."""
    results = "timeStamp,URL\n5,http://a/1\n6,http://b/2\n7,http://b/3\n"
    it = BuildContext(Random(1), files=CarriedFiles({"r.jtl": results.encode()}))
    with pytest.raises(InvalidParams, match=r"^r\.jtl: the trace has requests to 2 hosts; .*: 'b', 'a'$") as caught:
        REPLAY.build(REPLAY.decode({"file": "r.jtl"}), it)
    assert caught.value.path == ".hosts"
    assert REPLAY.build(REPLAY.decode({"file": "r.jtl", "hosts": ["A"]}), it).request(0, 0).path == "/1"


def test_an_attack_ends_with_the_trace_or_is_cut_off() -> None:
    """How many hits there will be is known beforehand."""
    whole, cut = proven({"file": "access.log"}), proven({"file": "access.log"}, "1s")
    assert (whole.hits, whole.span_ns) == (4, 4 * SECOND + 1)
    assert (cut.hits, cut.span_ns) == (2, SECOND // 2 + 1)


def test_lines_of_noise_can_be_left_out() -> None:
    """Real logs have some."""
    assert proven({"file": "noise.log", "skipUnusable": True}).hits == 4
