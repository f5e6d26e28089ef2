"""Test types: how parameters are read, checked and carried, and how they are found by name."""

from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.duration import MAX_NS, MIN_NS, Duration
from load_tester.domain.kafka import KafkaTarget
from load_tester.domain.request import Request, Targeter
from load_tester.domain.test_type import (
    BuildContext,
    InvalidParams,
    Registry,
    TestType,
    UnknownTestType,
    match_keys,
    split_path,
)


class _Params(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    num_users: Annotated[int, msgspec.Meta(ge=0, le=10)] = 1
    max_delay: Duration = Duration(0)
    delays: tuple[Duration, ...] = ()
    words: tuple[str, ...] = ()
    share: float = 0.5


def _build(_params: _Params, _context: BuildContext) -> Targeter:
    return Targeter(lambda _seq, _now_ns: Request("GET", "/"))


def _refuse_odd(params: _Params) -> None:
    if params.num_users % 2:
        raise InvalidParams(f"numUsers is {params.num_users}, which is odd", ".numUsers")


class _Bucket(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    max_delay: Duration
    weight: Annotated[float, msgspec.Meta(ge=0)] = 1.0


class _Constant(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, tag_field="kind"
):
    the_value: Any


class _Choice(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, tag_field="kind"):
    one_of: tuple[int, ...] = (1,)


class _NestedParams(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    time_histogram: tuple[Annotated[_Bucket, msgspec.Meta(description="A bucket.")], ...] = ()
    column_makers: dict[str, _Constant | _Choice] = {}
    fallback: _Bucket | None = None
    either: str | _Bucket | tuple[_Bucket, ...] = "none"


PLAIN = TestType(name="plain", summary="A test.", params=_Params, build=_build)
NESTED = TestType(
    name="nested", summary="A test.", params=_NestedParams, build=lambda _params, _context: _build(_Params(), _context)
)
EVEN = TestType(name="even", summary="A test.", params=_Params, build=_build, check=_refuse_odd)


def test_no_parameters_are_the_defaults() -> None:
    """An empty object is what a params type has by default."""
    assert PLAIN.decode({}) == _Params()


def test_keys_match_without_regard_to_case() -> None:
    """A key matches however its letters are written, as with Go's decoder."""
    assert PLAIN.decode({"NUMUSERS": 3, "Maxdelay": "1m30s"}) == _Params(num_users=3, max_delay=Duration.parse("90s"))


def test_null_means_absent() -> None:
    """A parameter that is null has its default."""
    assert PLAIN.decode({"numUsers": None}) == _Params()


@pytest.mark.parametrize(
    ("params", "same"),
    [
        ({"TIMEHISTOGRAM": [{"MaxDelay": "1s"}]}, {"timeHistogram": [{"maxDelay": "1s", "weight": 1.0}]}),
        ({"timeHistogram": [{"maxdelay": "1s", "WEIGHT": None}]}, {"timeHistogram": [{"maxDelay": "1s"}]}),
        ({"fallback": {"MAXDELAY": "1s"}}, {"fallback": {"maxDelay": "1s"}}),
        ({"either": {"Maxdelay": "1s"}}, {"either": {"maxDelay": "1s"}}),
        ({"either": [{"Maxdelay": "1s"}]}, {"either": [{"maxDelay": "1s"}]}),
        (
            {"columnMakers": {"A": {"KIND": "_Constant", "TheValue": None}, "a": {"kind": "_Choice", "ONEOF": [2]}}},
            {"columnMakers": {"A": {"kind": "_Constant", "theValue": None}, "a": {"kind": "_Choice", "oneOf": [2]}}},
        ),
    ],
)
def test_keys_match_without_regard_to_case_at_every_depth(params: dict[str, Any], same: dict[str, Any]) -> None:
    """In lists, in objects by name, in alternatives; names that the user made up stay as they are.

    `null` means absent there, too, unless the member has no default and so must be given.
    """
    assert NESTED.decode(params) == NESTED.decode(same)
    assert NESTED.decode(NESTED.encode(NESTED.decode(params))) == NESTED.decode(params)


@pytest.mark.parametrize(
    ("params", "path", "words"),
    [
        ({"timeHistogram": [{}, {"maxDelays": "1s"}]}, ".timeHistogram[1].maxDelays", "did you mean 'maxDelay'?"),
        ({"timeHistogram": [{"maxDelay": "1s", "MAXDELAY": "1s"}]}, ".timeHistogram[0].MAXDELAY", "is given twice"),
        ({"timeHistogram": [{"maxDelay": None}]}, ".timeHistogram[0].maxDelay", "Expected a duration"),
        ({"timeHistogram": [{"WEIGHT": 1}]}, ".timeHistogram[0]", "missing required field `maxDelay`"),
        ({"timeHistogram": [{"maxDelay": "1s", "Weight": -1}]}, ".timeHistogram[0].weight", ">= 0"),
        ({"timeHistogram": {"maxDelay": "1s"}}, ".timeHistogram", "Expected `array`"),
        ({"timeHistogram": ["1s"]}, ".timeHistogram[0]", "Expected `object`"),
        ({"fallback": {"delay": 1}}, ".fallback.delay", "did you mean 'maxDelay'?"),
        ({"either": {"delay": 1}}, ".either.delay", "did you mean 'maxDelay'?"),
        ({"either": 1}, ".either", "Expected `"),
        ({"columnMakers": {"A": {"kind": "_Choice", "oneOff": []}}}, ".columnMakers.A.oneOff", "mean 'oneOf'?"),
        ({"columnMakers": {"A": {"kind": "_Other", "oneOf": []}}}, ".columnMakers.A.kind", "'_Other'"),
    ],
)
def test_wrong_members_of_objects_name_their_path(params: dict[str, Any], path: str, words: str) -> None:
    """A slip inside of an object is refused as one at the top is, with the way to it."""
    with pytest.raises(InvalidParams) as caught:
        NESTED.decode(params)
    assert (path, words in caught.value.message) == (caught.value.path, True), caught.value.message


@pytest.mark.parametrize(
    ("params", "path", "words"),
    [
        ({"numUser": 1}, ".numUser", "did you mean 'numUsers'?"),
        ({"zzzzzzz": 1}, ".zzzzzzz", "known: delays, maxDelay, numUsers, share, words"),
        ({"numUsers": 1, "numusers": 2}, ".numusers", "'numUsers' is given twice"),
        ({"numUsers": "1"}, ".numUsers", "Expected `int`, got `str`"),
        ({"numUsers": True}, ".numUsers", "Expected `int`, got `bool`"),
        ({"numUsers": -1}, ".numUsers", ">= 0"),
        ({"numUsers": 11}, ".numUsers", "<= 10"),
        ({"maxDelay": "5"}, ".maxDelay", "lacks a unit"),
        ({"maxDelay": ""}, ".maxDelay", "is not a duration"),
        ({"maxDelay": 5}, ".maxDelay", "Expected a duration like `1m30s`, got 5"),
        ({"delays": ["1s", "1d"]}, ".delays[1]", "unknown unit 'd'"),
        ({"words": ["a", 2]}, ".words[1]", "Expected `str`, got `int`"),
        ({"words": "a"}, ".words", "Expected `array`, got `str`"),
        ({"words": ["\ud800"]}, "", "half of a surrogate pair"),
    ],
)
def test_wrong_parameters_name_their_field(params: dict[str, Any], path: str, words: str) -> None:
    """An error says what is wrong and carries the path of the field."""
    with pytest.raises(InvalidParams) as caught:
        PLAIN.decode(params)
    assert (path, words in caught.value.message) == (caught.value.path, True), caught.value.message


def test_only_test_types_that_send_records_name_a_cluster() -> None:
    """A slip of whoever writes a test type is found when it is imported."""

    def cluster(_: _Params) -> KafkaTarget:
        return KafkaTarget(brokers=("kafka:9092",), topics=("t",))

    TestType(name="plain", summary="A test.", params=_Params, build=_build, transport="kafka", kafka=cluster)
    with pytest.raises(ValueError, match="belongs to the transport kafka"):
        TestType(name="plain", summary="A test.", params=_Params, build=_build, kafka=cluster)
    with pytest.raises(ValueError, match="belongs to the transport kafka"):
        TestType(name="plain", summary="A test.", params=_Params, build=_build, transport="kafka")


def test_parameters_that_are_wrong_together_are_refused_by_the_check() -> None:
    """A test type's own check is part of reading its parameters."""
    assert EVEN.decode({"numUsers": 2}).num_users == 2
    with pytest.raises(InvalidParams, match="numUsers is 3, which is odd") as caught:
        EVEN.decode({"numUsers": 3})
    assert caught.value.path == ".numUsers"


@given(
    st.builds(
        _Params,
        num_users=st.integers(0, 10),
        max_delay=st.integers(MIN_NS, MAX_NS).map(Duration),
        delays=st.lists(st.integers(0, MAX_NS).map(Duration), max_size=3).map(tuple),
        words=st.lists(st.text(), max_size=3).map(tuple),
        share=st.floats(allow_nan=False, allow_infinity=False),
    )
)
def test_encoded_parameters_are_read_back_as_they_were(params: _Params) -> None:
    """Parameters survive the way to a worker: what `encode` writes is JSON, and `decode` reads it as the same."""
    encoded = PLAIN.encode(params)
    assert msgspec.json.decode(msgspec.json.encode(encoded)) == encoded
    assert PLAIN.decode(encoded) == params


def test_encoded_parameters_are_complete() -> None:
    """Also what was left out is written, durations in Go's form."""
    expected = {"numUsers": 1, "maxDelay": "0s", "delays": [], "words": [], "share": 0.5}
    assert PLAIN.encode(PLAIN.decode({})) == expected


def test_a_field_type_nobody_can_read_is_a_mistake_of_the_test_type() -> None:
    """A params type may hold JSON's types and durations only; anything else is reported as what it is: a bug."""

    class Odd(msgspec.Struct):
        value: complex = 1j

    odd = TestType(
        name="odd", summary="A test.", params=Odd, build=lambda _params, _context: _build(_Params(), _context)
    )
    with pytest.raises(NotImplementedError, match="complex cannot be read"):
        odd.decode({"value": "1j"})
    with pytest.raises(NotImplementedError, match="complex cannot be written"):
        odd.encode(Odd())


def test_a_registry_knows_its_test_types_by_name() -> None:
    """A registry gives back what it was made of."""
    registry = Registry([PLAIN, EVEN])
    assert registry["even"] is EVEN
    assert list(registry) == [PLAIN, EVEN]


def test_an_unknown_test_type_is_answered_with_the_known_ones() -> None:
    """The message lists what there is, and the nearest when one is near."""
    with pytest.raises(UnknownTestType, match=r"unknown test type 'Plane'; did you mean 'plain'\? known: even, plain"):
        Registry([PLAIN, EVEN])["Plane"]


def test_two_test_types_of_one_name_make_no_registry() -> None:
    """A name means one test type."""
    with pytest.raises(ValueError, match="two test types are named 'plain'"):
        Registry([PLAIN, PLAIN])


def test_match_keys_spells_keys_as_they_are_known() -> None:
    """The values are left alone."""
    assert match_keys({"A": {"B": 1}}, ["a"]) == {"a": {"B": 1}}


def test_a_message_without_a_path_is_split_into_itself() -> None:
    """Only msgspec's own suffix counts as a path."""
    assert split_path("Expected `int` - at `$.a[0].b`") == ("Expected `int`", ".a[0].b")
    assert split_path("Expected `object` - at `$`") == ("Expected `object`", "")
    assert split_path("Expected `object`") == ("Expected `object`", "")
