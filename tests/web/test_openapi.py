"""The OpenAPI document."""

import json
from pathlib import Path
from typing import Any

import msgspec
import openapi_spec_validator
import pytest
from jsonschema import Draft202012Validator
from starlette.routing import Route

from load_tester import __version__
from load_tester.domain.command import Command, decode_command
from load_tester.domain.test_type import Registry
from load_tester.runs.store import RunStore, sqlite_url
from load_tester.runs.supervisor import Site, Supervisor
from load_tester.testing import PLAIN, FakeEngine
from load_tester.web.app import ENDPOINTS, create_app
from load_tester.web.openapi import document
from test_types import TEST_TYPES
from tests.web.serving import daemon

REGISTRY = Registry(TEST_TYPES)
DOCUMENT: dict[str, Any] = json.loads(msgspec.json.encode(document(ENDPOINTS, REGISTRY)))


def valid(name: str, value: Any) -> bool:
    """Whether a value is what the component of that name describes."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    return Draft202012Validator(schema).is_valid(value)


def test_it_is_valid_openapi() -> None:
    """A validator that is not ours takes it for OpenAPI 3.1."""
    openapi_spec_validator.validate(DOCUMENT, cls=openapi_spec_validator.OpenAPIV31SpecValidator)
    assert DOCUMENT["info"]["version"] == __version__


def test_every_route_is_in_it(tmp_path: Path) -> None:
    """What the application serves, and nothing else: each method, with each of its parameters."""
    store = RunStore(sqlite_url(tmp_path))
    app = create_app(Supervisor(FakeEngine(), store, Registry([PLAIN]), Site("")))
    store.close()
    served = {
        (method, route.path)
        for route in app.routes
        if isinstance(route, Route) and not route.path.endswith("/")
        for method in route.methods or ()
        if method != "HEAD"
    }
    operations = {
        (method.upper(), path): operation
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    }
    assert operations.keys() == served
    ids = [operation["operationId"] for operation in operations.values()]
    assert len(set(ids)) == len(ids)
    for (_, path), operation in operations.items():
        in_path = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "path"}
        assert in_path == {part.strip("{}") for part in path.split("/") if part.startswith("{")}
        assert operation["summary"]
        assert "500" in operation["responses"]


def test_everything_it_describes_has_a_meaning() -> None:
    """Each member of what is sent and replied has a sentence, and each type has one; the tag of a kind needs none."""
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert schema.get("description"), name
        members = schema.get("properties", {}).items()
        assert [key for key, member in members if not ({"description", "enum"} & member.keys())] == [], name


def test_every_example_is_a_command_that_is_accepted() -> None:
    """By its schema, and by the reader of commands."""
    bodies = [
        operation["requestBody"]["content"]["application/json"]
        for methods in DOCUMENT["paths"].values()
        for operation in methods.values()
        if "requestBody" in operation
    ]
    examples = [example["value"] for body in bodies for example in body["examples"].values()]
    assert examples
    commands = [command for example in examples for command in (example if isinstance(example, list) else [example])]
    for command in commands:
        if command["testType"] != "sesion":  # the slip in an example of what is refused
            assert isinstance(decode_command(msgspec.json.encode(command), REGISTRY), Command)
            assert valid("WireCommand", command)


@pytest.mark.parametrize(
    ("command", "is_valid"),
    [
        ({}, True),
        ({"attackDuration": "", "testType": None}, True),
        *(({"testType": test_type.name, "attackDuration": "1s", "params": {}}, True) for test_type in TEST_TYPES),
        ({"testType": "session", "attackDuration": "1s", "params": {"startedRange": "1h"}}, True),
        ({"testType": "session", "attackDuration": "1s", "params": {"startedRnge": "1h"}}, False),
        ({"testType": "transaction", "attackDuration": "1s", "params": {"startedRange": "1h"}}, False),
        ({"testType": "sesion", "attackDuration": "1s"}, False),
        ({"testType": "session", "attackDuration": "1"}, False),
        ({"testType": "session", "attackDuration": "1s", "workers": 0}, False),
        ({"testType": "session", "attackDuration": "1s", "wrkers": 1}, False),
        ([], False),
    ],
)
def test_the_schema_of_a_command_knows_the_test_types(command: Any, is_valid: bool) -> None:
    """Each with its own parameters."""
    assert valid("WireCommand", command) is is_valid


@pytest.mark.anyio
async def test_it_is_served(tmp_path: Path) -> None:
    """With the test types of the daemon."""
    async with daemon(tmp_path) as it:
        served = await it.json("GET", "/openapi.json")
    assert "PlainParams" in served["components"]["schemas"]
    assert served["paths"].keys() == DOCUMENT["paths"].keys()
