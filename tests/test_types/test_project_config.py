"""Test type `projectConfig`: what Relays ask for, what they learn, and whose turn it is."""

import json
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from math import floor
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.duration import SECOND
from load_tester.domain.pacer import ALL_HITS, Share
from load_tester.domain.project import MADE_UP_PROJECTS, ListedProjects, Project, ProjectProvider
from load_tester.domain.request import Request, Response, Targeter
from load_tester.domain.test_type import BuildContext, InvalidParams
from test_types.project_config import PROJECT_CONFIG, Turns
from test_types.signature import Signer

NOW_NS = 1_735_830_245_123_456_789  # 2025-01-02T15:04:05.123456789Z
LISTED = [
    Project(f"{number}", f"key{number}", f"token{number}", f"slug{number}", f"org{number}") for number in range(3)
]


def built(
    params: dict[str, Any],
    share: Share = ALL_HITS,
    projects: ProjectProvider = MADE_UP_PROJECTS,
) -> Targeter:
    """The targeter of a share of the hits."""
    return PROJECT_CONFIG.build(PROJECT_CONFIG.decode(params), BuildContext(Random(1), projects, share))


def keys(request: Request) -> list[str]:
    """What a request asks for."""
    asked: list[str] = json.loads(request.body)["publicKeys"]
    return asked


def answer(targeter: Targeter, seq: int, status: int = 200, **content: Any) -> None:
    """Let the targeter see the answer to a hit."""
    assert targeter.observe is not None
    assert targeter.observe(Response(seq, status, (), json.dumps(content).encode())) is None


def test_a_poll_is_a_signed_request_for_configs_by_key() -> None:
    """Path, headers and body are those of a Relay; no key is empty, and none is an id."""
    relay = {"relayId": "01234567-89ab-cdef-0123-456789abcdef"}
    request = built({**relay, "minBatchSize": 4, "maxBatchSize": 4}, projects=MADE_UP_PROJECTS).request(0, NOW_NS)
    assert (request.method, request.path) == ("POST", "/api/0/relays/projectconfigs/?version=3")
    headers = dict(request.headers)
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Sentry-Relay-Id"] == relay["relayId"]
    signer = Signer(PROJECT_CONFIG.decode({}).relay_private_key)
    assert headers["X-Sentry-Relay-Signature"] == signer.signature(request.body, NOW_NS // SECOND)
    body = json.loads(request.body)
    assert list(body) == ["publicKeys", "fullConfig"]
    assert body["fullConfig"] is True
    all_keys = [MADE_UP_PROJECTS.at(index).project_key for index in range(100)]
    start = all_keys.index(body["publicKeys"][0])
    assert body["publicKeys"] == (all_keys[start:] + all_keys)[:4]


def test_batches_have_every_size_of_their_range() -> None:
    """Both ends included, each about as often as the others."""
    targeter = built({"minBatchSize": 2, "maxBatchSize": 5})
    sizes = Counter(len(keys(targeter.request(seq, NOW_NS))) for seq in range(4000))
    assert set(sizes) == {2, 3, 4, 5}
    assert all(900 < count < 1100 for count in sizes.values())


def test_equal_sizes_and_a_single_relay_and_project_are_enough() -> None:
    """What broke the ancestor: no range of sizes, and counts of 0, which stand for 1."""
    targeter = built({"numRelays": 0, "numProjects": 0, "minBatchSize": 3, "maxBatchSize": 3})
    assert keys(targeter.request(0, NOW_NS)) == [MADE_UP_PROJECTS.at(0).project_key]


def test_pending_and_cached_configs_are_remembered_by_key() -> None:
    """Pending ones are asked for first, cached ones not before they expire; whatever the keys look like."""
    targeter = built(
        {"numRelays": 1, "numProjects": 3, "minBatchSize": 3, "maxBatchSize": 3, "batchInterval": "10s"},
        projects=ListedProjects(LISTED),
    )
    assert sorted(keys(targeter.request(0, NOW_NS))) == ["key0", "key1", "key2"]
    answer(targeter, 0, pending=["key1"], configs={"key0": {}})
    assert keys(targeter.request(1, NOW_NS + SECOND)) == ["key1", "key2"]
    answer(targeter, 1, pending=None, configs={"key1": None, "key2": {}, "stranger": {}})
    assert keys(targeter.request(2, NOW_NS + 10 * SECOND)) == ["key0"]


def test_relays_take_turns_and_each_learns_from_its_own_answers() -> None:
    """What one has been told, the others do not know."""
    targeter = built({"numRelays": 2, "numProjects": 2, "minBatchSize": 2, "maxBatchSize": 2})
    everything = sorted(keys(targeter.request(0, NOW_NS)))
    answer(targeter, 0, configs={everything[0]: {}})
    assert sorted(keys(targeter.request(1, NOW_NS))) == everything
    assert keys(targeter.request(2, NOW_NS)) == everything[1:]
    assert sorted(keys(targeter.request(3, NOW_NS))) == everything


@pytest.mark.parametrize(
    "body",
    [b"", b"ok", b"[]", b'{"configs": 5}', b'{"pending": [1]}', b'{"pending": ["\xff"]}', b'{"configs": {"'.ljust(99)],
)
def test_an_answer_that_is_none_is_ignored(body: bytes) -> None:
    """A Relay that cannot read an answer has learnt nothing, and that is no error of the target's hits."""
    targeter = built({"numRelays": 1, "numProjects": 1})
    (key,) = keys(targeter.request(0, NOW_NS))
    assert targeter.observe is not None
    assert targeter.observe(Response(0, 200, (), body)) is None
    assert keys(targeter.request(1, NOW_NS)) == [key]


def test_an_answer_with_another_status_is_ignored() -> None:
    """An error page teaches nothing, whatever it holds."""
    targeter = built({"numRelays": 1, "numProjects": 2, "minBatchSize": 2, "maxBatchSize": 2})
    asked = keys(targeter.request(0, NOW_NS))
    answer(targeter, 0, status=503, configs={asked[0]: {}})
    assert len(keys(targeter.request(1, NOW_NS))) == 2


def test_an_invalidation_changes_the_settings_of_a_project() -> None:
    """It is a PUT with the project's own token, to its own path, with a number that rises."""
    targeter = built({"projectInvalidationRatio": 1, "numProjects": 3}, projects=ListedProjects(LISTED))
    seen = set()
    for seq in range(50):
        request = targeter.request(seq, NOW_NS)
        number = request.path.removeprefix("/api/0/projects/org")[0]
        seen.add(number)
        assert request == Request(
            "PUT",
            f"/api/0/projects/org{number}/slug{number}/",
            (("Content-Type", "application/json"), ("Authorization", f"Bearer token{number}")),
            b'{"safeFields": ["x-%d"]}' % seq,
            target=1,
        )
    assert seen == {"0", "1", "2"}


def test_made_up_projects_are_invalidated_without_a_token_and_by_post_if_wanted() -> None:
    """There is no token that could be true; go-load-tester's method is a choice."""
    params = {"projectInvalidationRatio": 1, "numProjects": 1, "invalidationMethod": "POST"}
    request = built(params).request(0, NOW_NS)
    assert (request.method, request.path) == ("POST", "/api/0/projects/organization-1/project-1/")
    assert request.headers == (("Content-Type", "application/json"),)


@pytest.mark.parametrize("field", ["access_token", "project_slug", "organization_slug"])
def test_a_listed_project_that_cannot_be_invalidated_is_refused(field: str) -> None:
    """The message names the project and what it lacks; nobody needs it when nothing is invalidated."""
    whole, lacking = (
        LISTED[0],
        Project(**{**dict(zip(Project.__struct_fields__, ("7", "k", "t", "s", "o"), strict=True)), field: ""}),
    )
    projects = ListedProjects([whole, lacking])
    with pytest.raises(InvalidParams, match=rf"project 7 \(number 2 of the projects file\) has no {field}") as caught:
        built({"projectInvalidationRatio": 0.1, "numProjects": 2}, projects=projects)
    assert caught.value.path == ".projectInvalidationRatio"
    for harmless in ({"projectInvalidationRatio": 0.1, "numProjects": 1}, {"numProjects": 2}):
        assert built(harmless, projects=projects).request(0, NOW_NS).target == 0


ratios = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)


@given(ratios, st.integers(1, 7), st.integers(1, 60))
def test_all_workers_together_keep_the_ratio_exactly(ratio: float, workers: int, hits: int) -> None:
    """After as many hits of each worker as of the others; and each worker keeps it by itself, to less than one hit."""
    exact = Fraction(str(ratio))
    total = 0
    for worker in range(workers):
        turns = Turns(ratio, Share(worker, workers))
        polls = [turns.poll(worker + i * workers) for i in range(hits)]
        invalidations = polls.count(None)
        assert abs(invalidations - hits * exact) < 1
        assert [number for number in polls if number is not None] == list(range(hits - invalidations))
        total += invalidations
    assert total == floor(hits * workers * exact)


def test_one_worker_invalidates_whenever_the_ratio_is_reached() -> None:
    """Hit s is an invalidation when the whole part of the hits so far times the ratio rises with it."""
    turns = Turns(0.29, Share(0, 1))
    kinds = [turns.poll(seq) is None for seq in range(1000)]
    assert kinds == [floor(Fraction(29, 100) * (seq + 1)) > floor(Fraction(29, 100) * seq) for seq in range(1000)]


def relays_of(targeter: Targeter, share: Share) -> int:
    """How many Relays take turns: the first one is back when only the one project is asked for that it lacks."""
    for turn in range(100):
        seq = share.first + turn * share.step
        asked = sorted(keys(targeter.request(seq, NOW_NS)))
        if len(asked) == 1:
            return turn
        answer(targeter, seq, configs={asked[0]: {}})
    raise AssertionError("nobody came back")


@given(st.integers(1, 20).flatmap(lambda relays: st.tuples(st.just(relays), st.integers(1, relays))), st.integers(0, 3))
def test_the_population_is_divided_among_the_workers(relays_and_workers: tuple[int, int], done: int) -> None:
    """No Relay is left out or doubled, and no worker is without; a successor has those of the one it replaces."""
    relays, workers = relays_and_workers
    params = {"numRelays": relays, "numProjects": 2, "minBatchSize": 2, "maxBatchSize": 2}
    assert PROJECT_CONFIG.most_workers is not None
    assert PROJECT_CONFIG.most_workers(PROJECT_CONFIG.decode(params), BuildContext(Random(1))) == relays
    shares = [Share(worker, workers) for worker in range(workers)]
    counts = [relays_of(built(params, share), share) for share in shares]
    assert sum(counts) == relays
    assert max(counts) - min(counts) <= 1
    successors = [Share(share.seq(done), share.step) for share in shares]
    assert [relays_of(built(params, share), share) for share in successors] == counts


def refused() -> Iterator[tuple[dict[str, Any], str, str]]:
    """Parameters, where they are wrong, and what is said."""
    yield {"minBatchSize": 0}, ".minBatchSize", ">= 1"
    yield {"minBatchSize": 11}, ".minBatchSize", "minBatchSize (11) is above maxBatchSize (10)"
    yield {"numRelays": 10_001}, ".numRelays", "<= 10000"
    yield {"numRelays": 10_000, "numProjects": 201}, ".numRelays", "is 2010000; at most 2000000"
    yield {"projectInvalidationRatio": 1.1}, ".projectInvalidationRatio", "<= 1"
    yield {"projectInvalidationRatio": -0.1}, ".projectInvalidationRatio", ">= 0"
    yield {"batchInterval": "-1s"}, ".batchInterval", "it must be 0s to"
    yield {"invalidationMethod": "PATCH"}, ".invalidationMethod", "PATCH"
    yield {"relayId": "relay-1"}, ".relayId", "regex"
    yield {"relayId": "01234567-89ab-cdef-0123-456789abcdef\n"}, ".relayId", "regex"
    yield {"relayPrivateKey": "a" * 43 + "\n"}, ".relayPrivateKey", "regex"
    yield {"relayPrivateKey": "short"}, ".relayPrivateKey", "regex"
    yield {"relayPrivateKey": "a" * 43 + "="}, ".relayPrivateKey", "regex"
    yield (
        {"relayPublicKey": "a" * 43},
        ".relayPublicKey",
        "does not belong to relayPrivateKey, whose public half is Zd_37",
    )
    yield {"relayPrivateKey": "a" * 43}, ".relayPublicKey", "does not belong to relayPrivateKey"


@pytest.mark.parametrize(("params", "path", "words"), list(refused()))
def test_parameters_that_make_no_sense_are_refused(params: dict[str, Any], path: str, words: str) -> None:
    """A key pair that does not match, too: no Sentry could verify what it signs."""
    with pytest.raises(InvalidParams) as caught:
        PROJECT_CONFIG.decode(params)
    assert caught.value.path == path
    assert words in caught.value.message


def test_more_projects_than_are_listed_are_refused() -> None:
    """The number of projects is checked against the file."""
    with pytest.raises(InvalidParams, match="4 projects are asked for") as caught:
        built({"numProjects": 4}, projects=ListedProjects(LISTED))
    assert caught.value.path == ".numProjects"


def test_upstreams_spelling_of_keys_is_understood() -> None:
    """Its own examples write `BatchInterval` and `RelayId`."""
    params = PROJECT_CONFIG.decode({"BatchInterval": "5s", "RelayId": "00000000-0000-4000-8000-000000000000"})
    assert (params.batch_interval.ns, params.relay_id[-4:]) == (5 * SECOND, "0000")
