"""What holds for every bundled test type: defaults, determinism, golden bytes, documentation."""

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from load_tester.domain.command import MAX_DURATION_NS
from load_tester.domain.parameter import Parameter, parameters
from load_tester.domain.project import MadeUpProjects
from load_tester.domain.request import Record, Sendable
from load_tester.domain.schema import json_schema
from load_tester.domain.test_type import BuildContext, Registry, TestType
from test_types import TEST_TYPES, reference

AFTERNOON_NS = 1_735_830_245_123_456_789  # 2025-01-02T15:04:05.123456789Z
GOLDEN = Path(__file__).parent / "golden"
DOCUMENTATION = Path(__file__).parents[2] / "docs" / "test-types.md"

HITS = 5

every_test_type = pytest.mark.parametrize("test_type", TEST_TYPES, ids=lambda test_type: test_type.name)


def requests(test_type: TestType[Any], params: dict[str, Any], hits: int, seed: int) -> list[Sendable]:
    """The requests of the first hits; one is due each 1.7 ms. A schedule of its own may have fewer of them."""
    decoded, context = test_type.decode(params), BuildContext(Random(seed), MadeUpProjects())
    targeter = test_type.build(decoded, context)
    if test_type.schedule is not None:
        hits = min(hits, test_type.schedule(decoded, context).hits(MAX_DURATION_NS))
    return [targeter.request(seq, AFTERNOON_NS + seq * 1_700_000) for seq in range(hits)]


def test_the_bundled_test_types_make_a_registry() -> None:
    """Their names differ."""
    assert [test_type.name for test_type in Registry(TEST_TYPES)] == [test_type.name for test_type in TEST_TYPES]


@every_test_type
def test_the_parameters_may_be_left_out(test_type: TestType[Any]) -> None:
    """`{}` makes requests, or records."""
    (request,) = requests(test_type, {}, 1, seed=1)
    if isinstance(request, Record):
        assert test_type.kafka is not None
        assert request.topic in test_type.kafka(test_type.decode({})).topics
    else:
        assert request.path.startswith("/")


@every_test_type
def test_the_defaults_written_out_are_the_defaults(test_type: TestType[Any]) -> None:
    """A worker that gets all parameters makes what one makes that got none."""
    complete = json.loads(json.dumps(test_type.encode(test_type.decode({}))))
    assert set(complete) == set(test_type.field_names())
    assert requests(test_type, complete, 5, seed=1) == requests(test_type, {}, 5, seed=1)


@every_test_type
def test_the_same_seed_makes_the_same_bytes(test_type: TestType[Any]) -> None:
    """Seed and time alone decide what is sent: a second run repeats the first."""
    assert requests(test_type, {}, 200, seed=5) == requests(test_type, {}, 200, seed=5)


def golden_files(test_type: TestType[Any]) -> list[Path]:
    """The golden files of a test type: `NAME.txt`, and others for more of its parameters: `NAME-WORD.txt`."""
    return sorted(path for path in GOLDEN.glob("*.txt") if path.stem.split("-")[0] == test_type.name)


@every_test_type
def test_what_is_sent_is_what_the_golden_files_show(test_type: TestType[Any]) -> None:
    """The bytes for a fixed seed and time are those that were reviewed.

    The first line of a file holds the parameters. Where there is nothing but that line the test writes the rest and
    fails: review it, and commit it.
    """
    assert GOLDEN / f"{test_type.name}.txt" in golden_files(test_type)
    for path in golden_files(test_type):
        first_line = path.read_text().split("\n", 1)[0]
        made = requests(test_type, json.loads(first_line), HITS, seed=20250102)
        expected = "\n".join([first_line, *map(shown, made)]) + "\n"
        if path.read_text().strip() == first_line:
            path.write_text(expected)
            pytest.fail(f"wrote {path.name}: review it")
        assert path.read_text() == expected


def shown(request: Sendable) -> str:
    """A request as golden files have it, behind an empty line; of a record, key and value as Python writes bytes."""
    if isinstance(request, Record):
        return "\n".join(["", f"{request.topic} key {request.key!r}", repr(request.value)])
    headers = [f"{name}: {value}" for name, value in request.headers]
    return "\n".join(["", f"{request.method} {request.path}", *headers, request.body.decode().removesuffix("\n")])


def test_every_golden_file_is_that_of_a_test_type() -> None:
    """None is left behind by a test type that is gone."""
    assert set(GOLDEN.iterdir()) == {path for test_type in TEST_TYPES for path in golden_files(test_type)}


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
