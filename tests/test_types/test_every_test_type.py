"""What holds for every bundled test type: defaults, determinism, golden bytes, framing, documentation."""

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from sentry_sdk.envelope import Envelope

from load_tester.domain.command import MAX_DURATION_NS
from load_tester.domain.parameter import Parameter, json_schema, parameters
from load_tester.domain.project import MadeUpProjects
from load_tester.domain.request import Request
from load_tester.domain.test_type import BuildContext, Registry, TestType
from test_types import TEST_TYPES, reference
from test_types.session import SESSION
from test_types.transaction import TRANSACTION

AFTERNOON_NS = 1_735_830_245_123_456_789  # 2025-01-02T15:04:05.123456789Z
GOLDEN = Path(__file__).parent / "golden"
DOCUMENTATION = Path(__file__).parents[2] / "docs" / "test-types.md"

every_test_type = pytest.mark.parametrize("test_type", TEST_TYPES, ids=lambda test_type: test_type.name)


def requests(test_type: TestType[Any], params: dict[str, Any], hits: int, seed: int) -> list[Request]:
    """The requests of the first hits; one is due each 1.7 ms. A schedule of its own may have fewer of them."""
    decoded, context = test_type.decode(params), BuildContext(Random(seed), MadeUpProjects())
    targeter = test_type.build(decoded, context)
    if test_type.schedule is not None:
        hits = min(hits, test_type.schedule(decoded, context).hits(MAX_DURATION_NS))
    return [targeter.request(seq, AFTERNOON_NS + seq * 1_700_000) for seq in range(hits)]


def test_the_bundled_test_types_make_a_registry() -> None:
    """Their names differ and are those that commands use."""
    assert {"session", "transaction"} <= {test_type.name for test_type in Registry(TEST_TYPES)}


@every_test_type
def test_the_parameters_may_be_left_out(test_type: TestType[Any]) -> None:
    """`{}` makes requests."""
    (request,) = requests(test_type, {}, 1, seed=1)
    assert isinstance(request, Request)
    assert request.path.startswith("/")


@every_test_type
def test_the_defaults_written_out_are_the_defaults(test_type: TestType[Any]) -> None:
    """A worker that gets all parameters makes what one makes that got none."""
    complete = json.loads(json.dumps(test_type.encode(test_type.decode({}))))
    assert set(complete) == set(test_type.field_names())
    assert requests(test_type, complete, 5, seed=1) == requests(test_type, {}, 5, seed=1)


@every_test_type
def test_the_same_seed_makes_the_same_bytes(test_type: TestType[Any]) -> None:
    """Seed and time alone decide what is sent: a second run repeats the first, another seed does not.

    Unless every hit is the same, or a trace says what it is.
    """
    first, second = (requests(test_type, {}, 200, seed=5) for _ in range(2))
    assert first == second
    is_given = len(set(first)) == 1 or test_type.schedule is not None
    assert is_given or first != requests(test_type, {}, 200, seed=6)


@pytest.mark.parametrize("test_type", [SESSION, TRANSACTION])
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


def undocumented(declared: tuple[Parameter, ...], path: str) -> list[str]:
    """The parameters, and those inside of them, without a sentence that says what they mean."""
    return [
        name
        for parameter in declared
        for name in (
            *([] if re.fullmatch(r"[A-Z`].*[.)]", parameter.meaning) else [f"{path}.{parameter.name}"]),
            *undocumented(parameter.members, f"{path}.{parameter.name}"),
        )
    ]


@every_test_type
def test_every_parameter_has_a_sentence_and_a_default(test_type: TestType[Any]) -> None:
    """Whoever reads of a parameter is told what it means; no test type needs one to be given."""
    declared = parameters(test_type.params)
    assert undocumented(declared, test_type.name) == []
    assert [parameter.name for parameter in declared if parameter.default is None] == []


@every_test_type
def test_the_schema_accepts_the_defaults_and_refuses_a_slip(test_type: TestType[Any]) -> None:
    """The JSON Schema is one, and says what the daemon says."""
    validator = Draft202012Validator(json_schema(test_type.params))
    validator.check_schema(validator.schema)
    defaults = test_type.encode(test_type.decode({}))
    validator.validate(defaults)
    assert not validator.is_valid({**defaults, "slip": 1})


def test_the_documentation_is_up_to_date() -> None:
    """What is written in docs/test-types.md is what the declarations say; `make docs` writes it."""
    assert DOCUMENTATION.read_text() == reference.page()
