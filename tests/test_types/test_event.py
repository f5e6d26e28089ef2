"""Test type `event`: every field of the payload in both framings, over many parameters and seeds."""

import json
from itertools import pairwise
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.project import ListedProjects, Project
from load_tester.domain.test_type import BuildContext, InvalidParams
from test_types.event import EVENT
from test_types.event_shape import WORDS
from test_types.stack_trace import BUNDLES, IMAGES
from tests.test_types.chi_square import misfit, unfairness
from tests.test_types.payloads import (
    NOW_S,
    bounds,
    check_breadcrumbs,
    check_contexts,
    check_user,
    opened,
    requests,
    words,
)

SMALL = {"maxBreadcrumbs": 0}

parameters = st.builds(
    lambda *parts: {name: value for part in parts for name, value in part.items()},
    bounds("minBreadcrumbs", "maxBreadcrumbs", 8),
    bounds("minFrames", "maxFrames", 8, least=1),
    st.sampled_from([{}, {"withNativeStacktrace": True}, {"withJavascriptStacktrace": True}]),
    st.fixed_dictionaries(
        {},
        optional={
            "framing": st.sampled_from(["store", "envelope"]),
            **dict.fromkeys(("withEventId", "withLevel"), st.booleans()),
            **dict.fromkeys(("numReleases", "numUsers", "numProjects", "numEventGroups"), st.integers(0, 20)),
            "release": st.sampled_from([None, "shop@1.2.3", 'é "<&>"']),
            **dict.fromkeys(
                ("breadcrumbCategories", "breadcrumbLevels", "breadcrumbTypes", "breadcrumbMessages"), words
            ),
        },
    ),
)


def events(params: dict[str, Any], hits: int) -> list[dict[str, Any]]:
    """The payloads of the first hits, posted to the store endpoint."""
    return [json.loads(request.body) for request in requests(EVENT, params, hits)]


@given(parameters, st.integers(0, 2**64))
def test_every_field_is_as_described(params: dict[str, Any], seed: int) -> None:
    """Keys, types and ranges hold for any parameters and any seed, in either framing."""
    for request in requests(EVENT, params, 3, seed):
        if params.get("framing") == "envelope":
            header, event = opened(request)
            assert list(header) == ["event_id", "sent_at"]
            assert header["event_id"] == event.get("event_id", header["event_id"])
        else:
            event = json.loads(request.body)
        check_names(event, params)
        check_groups(event, params)
        check_user(event["user"], params)
        assert list(event["contexts"]) == ["os", "device", "app"]
        check_contexts(event["contexts"])
        check_breadcrumbs(event.get("breadcrumbs", []), params)
        check_exception(event, params)


def check_names(event: dict[str, Any], params: dict[str, Any]) -> None:
    """Id, time, message, name, logger and environment are of their sets, and nothing else is in the payload."""
    assert set(event) <= {
        "event_id", "platform", "timestamp", "level", "fingerprint", "release", "transaction", "logger", "environment",
        "logentry", "user", "contexts", "breadcrumbs", "exception", "debug_meta",
    }  # fmt: skip
    assert ("event_id" in event) == params.get("withEventId", True)
    if "event_id" in event:
        assert UUID(event["event_id"]).hex == event["event_id"]
        assert UUID(event["event_id"]).version == 4
    assert event["timestamp"] == NOW_S
    assert event.get("transaction") in {None, *(f"mytransaction{n}" for n in range(100))}
    assert event.get("logger") in {None, "foo.bar.baz", "bam.baz.bad"}
    assert event["environment"] in {"production", "development", "staging"}
    sentence = event["logentry"].pop("formatted")
    assert event["logentry"] == {}
    assert 4 <= len(sentence.split()) <= 12
    assert (sentence[0].isupper(), sentence[-1]) == (True, ".")
    assert set(sentence[:-1].lower().split()) <= set(WORDS)


def check_groups(event: dict[str, Any], params: dict[str, Any]) -> None:
    """Level, fingerprint and release are there when they are asked for, and are among those asked for."""
    assert event.get("level") in ({"error", "debug"} if params.get("withLevel", True) else {None})
    groups = params.get("numEventGroups", 1)
    assert event.get("fingerprint", [""])[0] in ({f"fingerprint{n}" for n in range(groups)} or {""})
    releases = {f"release{n}" for n in range(params.get("numReleases", 10))} or {""}
    fixed = params.get("release")
    assert event.get("release", "") in (releases if fixed is None else {fixed})


def check_exception(event: dict[str, Any], params: dict[str, Any]) -> None:
    """With a stack trace there is one exception, with as many frames as allowed, of the event's platform."""
    kind = next((kind for kind in ("Native", "Javascript") if params.get(f"with{kind}Stacktrace")), "None")
    assert event["platform"] == {"Native": "native", "Javascript": "javascript", "None": "other"}[kind]
    assert ("exception" in event) == (kind != "None")
    assert ("debug_meta" in event) == (kind == "Native")
    if kind == "None":
        return
    (exception,) = event["exception"]["values"]
    assert list(exception) == ["type", "value", "mechanism", "stacktrace"]
    assert exception["mechanism"]["handled"] is False
    frames = exception["stacktrace"]["frames"]
    assert params["minFrames"] <= len(frames) <= params["maxFrames"]
    if kind == "Native":
        check_native(frames, event["debug_meta"]["images"])
    else:
        check_javascript(frames)


def check_native(frames: list[dict[str, Any]], images: list[dict[str, Any]]) -> None:
    """Every frame lies within the image that it names; an image's debug id is the one of its build id."""
    for image in images:
        assert set(image) == {"type", "code_file", "code_id", "debug_id", "image_addr", "image_size", "arch"}
        assert UUID(image["debug_id"]).bytes_le == bytes.fromhex(image["code_id"])[:16]
    spans = {
        image["code_file"]: range(int(image["image_addr"], 16), int(image["image_addr"], 16) + image["image_size"])
        for image in images
    }
    for frame in frames:
        assert set(frame) == {"instruction_addr", "package"}
        assert int(frame["instruction_addr"], 16) in spans[frame["package"]]


def check_javascript(frames: list[dict[str, Any]]) -> None:
    """Every frame is a place in a function of its file."""
    functions = {file: (in_app, names) for file, in_app, names in BUNDLES}
    for frame in frames:
        assert set(frame) == {"filename", "function", "lineno", "colno", "in_app"}
        in_app, names = functions[frame["filename"]]
        assert frame["function"] in names
        assert frame["in_app"] is in_app
        assert frame["lineno"] >= 1
        assert frame["colno"] >= 1


def test_the_images_of_native_stack_traces_do_not_overlap() -> None:
    """An address says which image it is in."""
    ordered = sorted(IMAGES, key=lambda image: image.address)
    assert all(first.address + first.size <= second.address for first, second in pairwise(ordered))


def test_both_framings_carry_the_same_events() -> None:
    """The store endpoint gets as JSON what an envelope has as its item, and both know the project's key."""
    stored = requests(EVENT, {"numProjects": 3}, 20)
    enveloped = requests(EVENT, {"numProjects": 3, "framing": "envelope"}, 20)
    for single, envelope in zip(stored, enveloped, strict=True):
        assert single.path.replace("/store/", "/envelope/") == envelope.path
        assert json.loads(single.body) == opened(envelope)[1]
        assert single.headers == (envelope.headers[0], ("Content-Type", "application/json"))


def test_choices_are_equally_likely() -> None:
    """Levels, event groups, releases, users and environments come up equally often, from the first to the last."""
    params = SMALL | {"numEventGroups": 4, "numReleases": 5, "numUsers": 6, "numProjects": 3}
    made = requests(EVENT, params, 4_000)
    seen = [json.loads(request.body) for request in made]
    assert unfairness((event["level"] for event in seen), ["error", "debug"]) < 1
    assert unfairness((event["fingerprint"][0] for event in seen), [f"fingerprint{n}" for n in range(4)]) < 1
    assert unfairness((event["release"] for event in seen), [f"release{n}" for n in range(5)]) < 1
    assert unfairness((event["user"]["id"] for event in seen), map(str, range(6))) < 1
    assert unfairness((event["environment"] for event in seen), ["production", "development", "staging"]) < 1
    assert unfairness((event.get("logger") for event in seen), ["foo.bar.baz", "bam.baz.bad", None]) < 1
    assert unfairness((len(event["logentry"]["formatted"].split()) for event in seen), range(4, 13)) < 1
    assert unfairness((request.path for request in made), [f"/api/{n}/store/" for n in (1, 2, 3)]) < 1


def test_half_of_the_names_and_contexts_are_left_out() -> None:
    """A name, and each context, is there half of the time."""
    seen = events(SMALL, 2_000)
    half = {True: 1, False: 1}
    assert misfit(counted("transaction" in event for event in seen), half) < 1
    for name in ("os", "device", "app"):
        assert misfit(counted(bool(event["contexts"][name]) for event in seen), half) < 1


def counted(values: Any) -> dict[bool, int]:
    """How many are true, how many false."""
    listed = list(values)
    return {True: sum(listed), False: len(listed) - sum(listed)}


@pytest.mark.parametrize("kind", ["withNativeStacktrace", "withJavascriptStacktrace"])
def test_numbers_of_frames_are_equally_likely(kind: str) -> None:
    """From the fewest to the most, both included; all errors come up, and many different frames."""
    seen = events(SMALL | {kind: True, "minFrames": 2, "maxFrames": 5}, 2_000)
    exceptions = [event["exception"]["values"][0] for event in seen]
    assert unfairness((len(exception["stacktrace"]["frames"]) for exception in exceptions), range(2, 6)) < 1
    types = {exception["type"] for exception in exceptions}
    assert unfairness((exception["type"] for exception in exceptions), types) < 1
    assert len(types) == 5
    frames = {json.dumps(frame) for exception in exceptions for frame in exception["stacktrace"]["frames"]}
    assert len(frames) > 100


def test_no_breadcrumbs_at_all_can_be_asked_for() -> None:
    """Other than for transactions, a maximum of 0 means none."""
    assert not any("breadcrumbs" in event for event in events(SMALL, 200))


def test_a_fixed_release_is_that_of_all_events() -> None:
    """It takes the place of the numbered ones."""
    assert {event["release"] for event in events(SMALL | {"release": "shop@2", "numReleases": 5}, 50)} == {"shop@2"}


def test_more_projects_than_are_listed_are_refused() -> None:
    """The number of projects is checked against the file when the targeter is built."""
    context = BuildContext(Random(1), ListedProjects([Project("5", "k5")]))
    with pytest.raises(InvalidParams, match="2 projects are asked for") as caught:
        EVENT.build(EVENT.decode({"numProjects": 2}), context)
    assert caught.value.path == ".numProjects"


@pytest.mark.parametrize(
    ("params", "path", "words"),
    [
        ({"framing": "envelopes"}, ".framing", "Invalid enum value 'envelopes'"),
        ({"withLevel": 1}, ".withLevel", "Expected `bool`"),
        ({"minFrames": 0}, ".minFrames", ">= 1"),
        ({"minFrames": 6, "maxFrames": 5}, ".minFrames", "minFrames (6) is above maxFrames (5)"),
        ({"minFrames": 31}, ".minFrames", "minFrames (31) is above maxFrames (30)"),
        ({"minBreadcrumbs": 1, "maxBreadcrumbs": 0}, ".minBreadcrumbs", "is above maxBreadcrumbs (0)"),
        ({"breadcrumbsTypes": []}, ".breadcrumbsTypes", "did you mean 'breadcrumbTypes'?"),
        ({"breadcrumbMessages": ["x"] * 50, "breadcrumbLevels": ["y"] * 50}, ".breadcrumbMessages", "22500 combin"),
        ({"release": ""}, ".release", "length >= 1"),
        (
            {"withNativeStacktrace": True, "withJavascriptStacktrace": True},
            ".withNativeStacktrace",
            "exclude each other",
        ),
    ],
)
def test_parameters_that_make_no_event_are_refused(params: dict[str, Any], path: str, words: str) -> None:
    """What is out of range, out of order, contradictory or unknown is refused, with the field's path."""
    with pytest.raises(InvalidParams) as caught:
        EVENT.decode(params)
    assert (path, words in caught.value.message) == (caught.value.path, True), caught.value.message
