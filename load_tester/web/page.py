"""The page for people, `/docs`: the API and the test types in HTML, made from their declarations."""

import json
import shlex
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from load_tester import __version__
from load_tester.domain.parameter import Parameter, parameters
from load_tester.domain.reference import RULES as PARAMETER_RULES
from load_tester.domain.test_type import Registry
from load_tester.web.endpoint import Endpoint, Reply
from load_tester.web.markdown import markdown, sentence
from load_tester.web.openapi import REFERENCE, RULES, Schemas

HERE: Final = "http://127.0.0.1:8000"
"""Where the daemon listens unless told otherwise; for examples."""


class ShownReply(NamedTuple):
    """A reply, as the page shows it."""

    status: int
    meaning: str
    content: Markup


class ShownEndpoint(NamedTuple):
    """An endpoint, as the page shows it; `members` are those of its body, where that has a type of its own."""

    endpoint: Endpoint
    anchor: str
    body: Markup
    members: tuple[Parameter, ...]
    query: tuple[Parameter, ...]
    replies: tuple[ShownReply, ...]
    examples: tuple[str, ...]


class ShownMember(NamedTuple):
    """A member of a JSON object, as the page shows it."""

    name: str
    kind: Markup
    meaning: str
    may_be_missing: bool


class ShownType(NamedTuple):
    """The type of a JSON value, as the page shows it: an object's members, or the words that it can be."""

    name: str
    description: str
    members: tuple[ShownMember, ...]
    words: tuple[str, ...]


def page(endpoints: Sequence[Endpoint], registry: Registry) -> str:
    """The whole page. It refers to no other file."""
    schemas = Schemas(endpoints, registry)
    shown = [_endpoint(endpoint, schemas) for endpoint in endpoints]
    subjects = dict.fromkeys(endpoint.subject for endpoint in endpoints)
    return (
        _environment()
        .get_template("docs.html")
        .render(
            version=__version__,
            rules=RULES,
            parameter_rules=PARAMETER_RULES,
            subjects=[(subject, [one for one in shown if one.endpoint.subject == subject]) for subject in subjects],
            types=[_type(name, schema) for name, schema in sorted(schemas.written.items())],
            test_types=[(test_type, parameters(test_type.params)) for test_type in registry],
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("load_tester.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(markdown=markdown, sentence=sentence, anchor=anchor)
    return environment


def anchor(text: str) -> str:
    """What links within the page lead to: the words of a text."""
    return "-".join("".join(letter if letter.isalnum() else " " for letter in text.lower()).split())


def _endpoint(endpoint: Endpoint, schemas: Schemas) -> ShownEndpoint:
    return ShownEndpoint(
        endpoint=endpoint,
        anchor=anchor(f"{endpoint.methods[0]} {endpoint.path}"),
        body=Markup() if endpoint.body is None else kind(schemas.body(endpoint)),
        members=parameters(endpoint.body) if isinstance(endpoint.body, type) else (),
        query=tuple(query.described for query in endpoint.query),
        replies=tuple(_reply(reply, schemas) for reply in endpoint.all_replies),
        examples=_examples(endpoint),
    )


def _reply(reply: Reply, schemas: Schemas) -> ShownReply:
    content = kind(schemas.one_of([reply])) if reply.kinds else Markup("{}").format(reply.media_type)
    return ShownReply(reply.status, reply.meaning, content)


def _examples(endpoint: Endpoint) -> tuple[str, ...]:
    """Commands of a shell."""
    method = "" if endpoint.methods[0] == "GET" or endpoint.body is not None else f" -X {endpoint.methods[0]}"
    path = endpoint.path
    for name, _ in endpoint.segments:
        path = path.replace(f"{{{name}}}", name.upper())
    call = f"curl -s{method} {HERE}{path}"
    return tuple(f"{call} -d {shlex.quote(json.dumps(example, indent=2))}" for example in endpoint.examples) or (call,)


def _type(name: str, schema: dict[str, Any]) -> ShownType:
    required = schema.get("required", ())
    members = tuple(
        ShownMember(member, kind(inside), inside.get("description", ""), member not in required)
        for member, inside in schema.get("properties", {}).items()
    )
    return ShownType(name, schema.get("description", ""), members, tuple(schema.get("enum", ())))


def kind(schema: dict[str, Any]) -> Markup:  # noqa: PLR0911 - one for each kind of schema
    """The type of a JSON value in words, with links to those that have a name."""
    match schema:
        case {"$ref": reference}:
            name = reference.removeprefix(REFERENCE.format(name=""))
            return Markup('<a href="#type-{0}">{0}</a>').format(name)
        case {"anyOf": schemas}:
            return Markup(" or ").join(dict.fromkeys(map(kind, schemas)))
        case {"enum": values}:
            return Markup(" or ").join(Markup("<code>{}</code>").format(json.dumps(value)) for value in values)
        case {"type": "array", "items": items}:
            return Markup("list of {}").format(kind(items))
        case {"type": "object", "additionalProperties": dict() as values}:
            return Markup("object of {} by name").format(kind(values))
        case {"type": "string", "format": "date-time"}:
            return Markup("instant")
        case {"type": "string"}:
            return Markup("text")
    return Markup("{}").format(schema.get("type", "any JSON"))
