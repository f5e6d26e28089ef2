"""The API as an OpenAPI document, made from the declarations of its endpoints and test types.

The format is that of OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1.html), whose schemas are JSON Schema 2020-12.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from load_tester import __version__
from load_tester.domain.command import WireCommand
from load_tester.domain.schema import json_schemas
from load_tester.domain.test_type import Registry
from load_tester.web.endpoint import JSON, Endpoint, Reply

REFERENCE: Final = "#/components/schemas/{name}"
RULES: Final = """\
- Bodies and replies are JSON in UTF-8. Names are camelCase. Instants are RFC 3339 in UTC, durations that are asked for
  are texts in Go's form (`300ms`, `1.5h`, `2h45m`), spans in replies are integer nanoseconds, rates are per second.
- Every path is served with and without a slash at its end; nothing is redirected. `HEAD` works wherever `GET` does.
- Every error is `{"error": "one sentence"}`; of a refused command it has a `path` to what is wrong in it, too. So are
  404 (nothing there), 405 (wrong method, with `Allow`), 413 (a body over 1 MiB) and 500 (a mistake of ours).
- Unknown query parameters are ignored. Unknown keys in a command are not: they are refused, with the nearest known one.
- 503 means that the daemon cannot do it at the moment: no attack worker could be started, or the store is out of order.
- There is no authentication: who reaches the port can attack the target. Only a browser that shows a page of another
  site is kept from it (403).
"""


def document(endpoints: Sequence[Endpoint], registry: Registry) -> dict[str, Any]:
    """The whole document, as JSON has it."""
    schemas = Schemas(endpoints, registry)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        for method in endpoint.methods:
            paths.setdefault(endpoint.path, {})[method.lower()] = _operation(endpoint, method, schemas)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "load-tester",
            "version": __version__,
            "summary": "Rate-controlled load tests, one attack at a time.",
            "description": RULES,
        },
        "tags": [{"name": subject} for subject in dict.fromkeys(endpoint.subject for endpoint in endpoints)],
        "paths": paths,
        "components": {"schemas": schemas.components},
    }


class Schemas:
    """The schemas of everything that the endpoints read and write.

    `components` has those that are referred to, by name; `written` those of them that replies consist of.
    """

    def __init__(self, endpoints: Iterable[Endpoint], registry: Registry) -> None:
        bodies = [endpoint.body for endpoint in endpoints if endpoint.body is not None]
        params = [test_type.params for test_type in registry]
        kinds = [kind for endpoint in endpoints for reply in endpoint.all_replies for kind in reply.kinds]
        read, read_components = json_schemas([*bodies, *params, WireCommand], REFERENCE)
        wrote, self.written = json_schemas(kinds, REFERENCE, complete=True)
        self.components: dict[str, Any] = {**read_components, **self.written}
        assert len(self.components) == len(read_components) + len(self.written), "nothing is both read and written"
        self._bodies = dict(zip(bodies, read, strict=False))
        self._kinds = dict(zip(kinds, wrote, strict=True))
        command = self.components[_name(read[-1])]
        command["anyOf"] = [
            {"title": "Stop request", "properties": {"attackDuration": {"enum": [None, "", "0", "0s"]}}},
            *(
                _attack_with(test_type.name, schema)
                for test_type, schema in zip(registry, read[len(bodies) :], strict=False)
            ),
        ]

    def body(self, endpoint: Endpoint) -> dict[str, Any]:
        """The schema of an endpoint's body."""
        schema: dict[str, Any] = self._bodies[endpoint.body]
        return schema

    def one_of(self, replies: Iterable[Reply]) -> dict[str, Any]:
        """The schema of what these replies, which share a status, can be."""
        schemas = [self._kinds[kind] for reply in replies for kind in reply.kinds]
        return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _name(schema: dict[str, Any]) -> str:
    name: str = schema["$ref"].removeprefix(REFERENCE.format(name=""))
    return name


def _attack_with(test_type: str, params: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": f"Attack with {test_type}",
        "required": ["testType", "attackDuration"],
        "properties": {"testType": {"const": test_type}, "params": {"anyOf": [params, {"type": "null"}]}},
    }


def _operation(endpoint: Endpoint, method: str, schemas: Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{method.lower()}_{endpoint.name}",
        "tags": [endpoint.subject],
        "summary": endpoint.summary,
        "description": endpoint.description,
        "responses": _responses(endpoint, schemas),
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "description": meaning, "schema": {"type": "string"}}
        for name, meaning in endpoint.segments
    ]
    parameters += [
        {"name": query.described.name, "in": "query", "description": query.described.meaning, "schema": query.schema}
        for query in endpoint.query
    ]
    if parameters:
        operation["parameters"] = parameters
    if endpoint.body is not None:
        examples = {f"example-{number}": {"value": example} for number, example in enumerate(endpoint.examples, 1)}
        content = {"schema": schemas.body(endpoint), "examples": examples}
        operation["requestBody"] = {"required": True, "content": {JSON: content}}
    return operation


def _responses(endpoint: Endpoint, schemas: Schemas) -> dict[str, Any]:
    by_status: dict[int, list[Reply]] = {}
    for reply in endpoint.all_replies:
        by_status.setdefault(reply.status, []).append(reply)
    return {str(status): _response(replies, schemas) for status, replies in by_status.items()}


def _response(replies: Sequence[Reply], schemas: Schemas) -> dict[str, Any]:
    response: dict[str, Any] = {"description": " ".join(reply.meaning for reply in replies)}
    content: dict[str, Any] = {}
    for media_type in dict.fromkeys(reply.media_type for reply in replies if reply.media_type):
        kinds = [reply for reply in replies if reply.media_type == media_type and reply.kinds]
        content[media_type] = {"schema": schemas.one_of(kinds) if kinds else {"type": "string"}}
    return response | ({"content": content} if content else {})
