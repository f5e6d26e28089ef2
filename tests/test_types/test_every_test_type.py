"""What holds for every bundled test type: defaults, determinism, golden bytes, framing, documentation."""

import json
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from sentry_sdk.envelope import Envelope

from load_tester.domain.duration import Duration
from load_tester.domain.project import MadeUpProjects
from load_tester.domain.request import Request
from load_tester.domain.test_type import BuildContext, Registry, TestType
from test_types import TEST_TYPES
from test_types.params import MAX_DURATION

AFTERNOON_NS = 1_735_830_245_123_456_789  # 2025-01-02T15:04:05.123456789Z
GOLDEN = Path(__file__).parent / "golden"
DOCUMENTATION = Path(__file__).parents[2] / "docs" / "test-types.md"

every_test_type = pytest.mark.parametrize("test_type", TEST_TYPES, ids=lambda test_type: test_type.name)


def requests(test_type: TestType[Any], params: dict[str, Any], hits: int, seed: int) -> list[Request]:
    """The requests of the first hits; one is due each 1.7 ms."""
    targeter = test_type.build(test_type.decode(params), BuildContext(Random(seed), MadeUpProjects()))
    return [targeter.request(seq, AFTERNOON_NS + seq * 1_700_000) for seq in range(hits)]


def test_the_bundled_test_types_make_a_registry() -> None:
    """Their names differ and are those that commands use."""
    assert {"session", "transaction"} <= {test_type.name for test_type in Registry(TEST_TYPES)}


@every_test_type
def test_the_parameters_may_be_left_out(test_type: TestType[Any]) -> None:
    """`{}` makes requests."""
    (request,) = requests(test_type, {}, 1, seed=1)
    assert request.method == "POST"
    assert request.path.startswith("/")
    assert request.body


@every_test_type
def test_the_defaults_written_out_are_the_defaults(test_type: TestType[Any]) -> None:
    """A worker that gets all parameters makes what one makes that got none."""
    complete = json.loads(json.dumps(test_type.encode(test_type.decode({}))))
    assert set(complete) == set(test_type.field_names())
    assert requests(test_type, complete, 5, seed=1) == requests(test_type, {}, 5, seed=1)


@every_test_type
def test_the_same_seed_makes_the_same_bytes(test_type: TestType[Any]) -> None:
    """Seed and time alone decide what is sent: a second run repeats the first, another seed does not."""
    first, second = (requests(test_type, {}, 200, seed=5) for _ in range(2))
    assert first == second
    assert first != requests(test_type, {}, 200, seed=6)


@every_test_type
def test_sentrys_own_parser_reads_the_envelopes(test_type: TestType[Any]) -> None:
    """The SDK's parser finds one item of the test type's kind, with the payload as JSON and nothing left over."""
    for request in requests(test_type, {}, 50, seed=9):
        envelope = Envelope.deserialize(request.body)
        (item,) = envelope.items
        assert item.type == test_type.name
        _, _, payload, end = request.body.split(b"\n")
        assert (item.headers["length"], end) == (len(payload), b"")
        parsed = item.payload.json if item.payload.json is not None else json.loads(item.get_bytes())
        assert parsed == json.loads(payload)


@every_test_type
def test_what_is_sent_is_what_the_golden_file_shows(test_type: TestType[Any]) -> None:
    """The bytes for a fixed seed and time are those that were reviewed.

    The first line of the file holds the parameters. Where there is nothing but that line the test writes the rest
    and fails: review it, and commit it.
    """
    path = GOLDEN / f"{test_type.name}.txt"
    first_line = path.read_text().split("\n", 1)[0]
    made = [first_line]
    for request in requests(test_type, json.loads(first_line), 5, seed=20250102):
        headers = [f"{name}: {value}" for name, value in request.headers]
        made += ["", f"{request.method} {request.path}", *headers, request.body.decode().removesuffix("\n")]
    expected = "\n".join(made) + "\n"
    if path.read_text().strip() == first_line:
        path.write_text(expected)
        pytest.fail(f"wrote {path.name}: review it")
    assert path.read_text() == expected


def described_range(kind: msgspec.inspect.Type) -> str:
    """The range of a parameter, as the documentation writes it."""
    if isinstance(kind, msgspec.inspect.IntType):
        return f"{kind.ge} to {kind.le}"
    if isinstance(kind, msgspec.inspect.CustomType) and kind.cls is Duration:
        return f"`0s` to `{MAX_DURATION}`"
    assert isinstance(kind, msgspec.inspect.VarTupleType), f"say how the range of {kind} is documented"
    assert isinstance(kind.item_type, msgspec.inspect.StrType)
    return (
        f"up to {kind.max_length} texts of {kind.item_type.min_length or 0} to {kind.item_type.max_length} characters"
    )


def described_default(value: Any) -> str:
    """A default, as the documentation writes it."""
    if isinstance(value, tuple):
        return ", ".join(f"`{word}`" for word in value) or "none"
    return f"`{value}`"


@every_test_type
def test_every_parameter_is_documented_with_its_default_and_range(test_type: TestType[Any]) -> None:
    """The section of a test type has a row for each parameter, and no row for anything that is none."""
    _, found, rest = DOCUMENTATION.read_text().partition(f"\n## `{test_type.name}`\n")
    assert found, f"{DOCUMENTATION.name} has no section for {test_type.name}"
    rows = [line.split("|") for line in rest.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    documented = {row[1].strip(): (row[2].strip(), row[3].strip()) for row in rows if len(row) == 6}
    info = msgspec.inspect.type_info(test_type.params)
    assert isinstance(info, msgspec.inspect.StructType)
    assert documented == {
        f"`{field.encode_name}`": (described_default(field.default), described_range(field.type))
        for field in info.fields
    }
