"""Test type `http`: any HTTP API, by one path, a list of targets, or a file of them."""

import re
from collections.abc import Callable
from typing import Any, Final

from load_tester.domain.request import Headers, Request, RequestMaker, Targeter
from load_tester.domain.test_type import BuildContext, InvalidParams, TestType
from test_types.body_check import check_checks, observer
from test_types.escaping import text_of
from test_types.generation import weighted
from test_types.http_blueprint import blueprints, counted_as
from test_types.http_draft import ROW, Draft, FileBody, Names, draft_of
from test_types.http_file import NO_NAMES, WITHOUT, content_of, file_targeter
from test_types.http_params import HttpParams, RowsParams
from test_types.renderer import Parts, Scope, Slot, slots_of
from test_types.rows import ENDINGS, InvalidRows, RowFormat, chooser, columns_of
from test_types.values import check_provider
from test_types.variable import BUILT_IN, Column, Provided, Variable, Variables, built_in

MAX_REQUEST_BYTES: Final = 64 * 1024 * 1024
"""Of the values in one request: it is kept in memory, for each of a few that are made ahead."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _check(params: HttpParams) -> None:
    """What needs no file is looked at when the command arrives."""
    names = _check_sources(params)
    for name, provider in params.variables.items():
        path = f".variables.{name}"
        if not _NAME.fullmatch(name):
            raise InvalidParams(f"{name!r} is no name: letters, digits and _, not a digit first", path)
        if name in BUILT_IN:
            raise InvalidParams(f"{name!r} is built in", path)
        check_provider(provider, path)
    if params.rows is not None:
        _row_format(params.rows)
    for blueprint in blueprints(params):
        draft_of(blueprint, names)
        check_checks(blueprint.checks.value, blueprint.checks.path)
        if blueprint.checks.value and blueprint.method.value == "HEAD":
            raise InvalidParams("the response to a HEAD has no body to check", blueprint.checks.path)


def _check_sources(params: HttpParams) -> Names:
    """That targets come from one source only; the variables that their templates may name."""
    defaults = HttpParams()
    if params.targets_file is not None:
        for name in WITHOUT:
            if getattr(params, name) != getattr(defaults, name):
                raise InvalidParams(f"{name} has no meaning with targetsFile", f".{name}")
        return NO_NAMES
    if params.targets is not None:
        if params.path != defaults.path:
            raise InvalidParams("give a path or targets, not both", ".path")
        if not any(target.weight for target in params.targets):
            raise InvalidParams("the weights of all targets are 0", ".targets")
    return Names(frozenset((*BUILT_IN, *params.variables)), any_row=params.rows is not None)


def _build(params: HttpParams, context: BuildContext) -> Targeter:
    if params.targets_file is not None:
        return file_targeter(params, params.targets_file, context)
    variables = _variables(params, context)
    names = Names(frozenset(variables))
    targets = blueprints(params)
    makers: list[RequestMaker] = []
    repeated: list[Request] = []
    for place, target in enumerate(targets):
        draft = draft_of(target, names)
        scope = Scope(variables, draft.templates)
        if scope.most_bytes > MAX_REQUEST_BYTES:
            raise InvalidParams(f"its values can be larger than {MAX_REQUEST_BYTES} bytes together", target.url.path)
        _check_paths(draft.url, variables, target.url.path)
        made = _maker(draft, scope, place, context)
        if scope.is_static:
            repeated.append(made(0, 0))
            made = _always(repeated[-1])
        makers.append(made)
    return Targeter(
        _chosen([target.weight for target in targets], makers, context),
        observer([target.checks.value for target in targets]),
        targets=counted_as([t.name for t in targets], [t.weight for t in targets]) if len(targets) > 1 else (),
        expected_of={place: t.expected for place, t in enumerate(targets) if t.expected is not None},
        repeated=repeated,
    )


def _most_workers(params: HttpParams, context: BuildContext) -> int | None:
    """Rows that only one worker may use are shared out, so there must be one for each."""
    if params.rows is None or params.rows.order != "uniquePerWorker":
        return None
    return len(next(iter(_columns(params.rows, context).values())))


def _variables(params: HttpParams, context: BuildContext) -> Variables:
    """All variables by name. Raises `InvalidParams` for rows that cannot be read."""
    random = context.random
    found: dict[str, Variable] = built_in(random)
    found |= {name: Provided(provider, random) for name, provider in params.variables.items()}
    if params.rows is not None:
        columns = _columns(params.rows, context)
        count = len(next(iter(columns.values())))
        try:
            chosen = chooser(params.rows.order, count, context.share, random)
        except InvalidRows as error:
            raise InvalidParams(str(error), ".rows.order") from None
        found |= {f"{ROW}{name}": Column(column, chosen) for name, column in columns.items()}
    return found


def _columns(rows: RowsParams, context: BuildContext) -> dict[str, list[Any]]:
    content = content_of(rows.file, ".rows.file", context)
    try:
        return columns_of(content, _row_format(rows))
    except InvalidRows as error:
        raise InvalidParams(f"{rows.file}: {error}", ".rows.file") from None


def _row_format(rows: RowsParams) -> RowFormat:
    if rows.format is not None:
        return rows.format
    found = next((form for ending, form in ENDINGS.items() if rows.file.lower().endswith(ending)), None)
    if found is None:
        raise InvalidParams(
            f"say what is in {rows.file!r}: its name does not end in {' or '.join(ENDINGS)}", ".rows.format"
        )
    return found


def _check_paths(url: Parts, variables: Variables, path: str) -> None:
    """Paths that begin with a column of the rows have to begin as paths do."""
    first = url[0]
    column = variables[first.name] if isinstance(first, Slot) else None
    if isinstance(column, Column):
        wrong = next((text for text in map(text_of, column.column) if not text.startswith("/")), None)
        if wrong is not None:
            raise InvalidParams(f"a row has the path {wrong[:100]!r}, which does not begin with /", path)


def _maker(draft: Draft, scope: Scope, place: int, context: BuildContext) -> RequestMaker:
    """What makes the requests of one target; parts of them that never change are made once."""
    method = draft.method
    url = scope.renderer(draft.url)
    headers_of = _headers_maker(draft, scope)
    body_of = _body_maker(draft, scope, context)

    def request(seq: int, now_ns: int) -> Request:
        return Request(method, url(seq, now_ns), headers_of(seq, now_ns), body_of(seq, now_ns), place)

    return request


def _headers_maker(draft: Draft, scope: Scope) -> Callable[[int, int], Headers]:
    if not any(slots_of(parts) for _, parts in draft.headers):
        headers = tuple((name, scope.renderer(parts)(0, 0)) for name, parts in draft.headers)
        return lambda _seq, _now_ns: headers
    renderers = tuple((name, scope.renderer(parts)) for name, parts in draft.headers)
    return lambda seq, now_ns: tuple([(name, render(seq, now_ns)) for name, render in renderers])


def _body_maker(draft: Draft, scope: Scope, context: BuildContext) -> Callable[[int, int], bytes]:
    body = draft.body
    if isinstance(body, FileBody):
        body = content_of(body.name, body.path, context)
    if isinstance(body, bytes):
        return lambda _seq, _now_ns: body
    render = scope.renderer(body)
    if not slots_of(body):
        content = render(0, 0).encode()
        return lambda _seq, _now_ns: content
    return lambda seq, now_ns: render(seq, now_ns).encode()


def _always(request: Request) -> RequestMaker:
    return lambda _seq, _now_ns: request


def _chosen(weights: list[int], makers: list[RequestMaker], context: BuildContext) -> RequestMaker:
    """What makes the requests of all targets, in proportion to their weights."""
    if len(makers) == 1:
        return makers[0]
    choose = weighted(context.random, makers, weights)

    def request(seq: int, now_ns: int) -> Request:
        make: Callable[[int, int], Request] = choose()
        return make(seq, now_ns)

    return request


DESCRIPTION: Final = """\
Without parameters every hit is a `GET` of the attack's target. A path, or several:

```json
{"method": "POST", "path": "/api/orders", "headers": {"Accept": "application/json"},
 "body": {"json": {"user": "${user}", "at": "${now}", "items": [1, 2]}},
 "auth": {"bearer": "secret"}, "expectedStatuses": [201],
 "checks": [{"contains": "order"}, {"jsonPath": {"path": "$.state", "equals": "new"}}],
 "variables": {"user": {"valueType": "randomInt", "config": {"min": 1, "max": 1000}}}}
```

```json
{"headers": {"Accept": "application/json"}, "targets": [
  {"path": "/api/items/${seq}", "weight": 9},
  {"name": "search", "path": "/api/search", "query": {"q": "red shoes", "page": 1}},
  {"method": "POST", "path": "/api/items", "body": {"json": {"id": "${uuid}"}}, "expectedStatuses": ["2xx", 409]}]}
```

What is given beside `targets` holds for all of them; a target adds to the query and the headers by name, and replaces
anything else. Each hit goes to one of them, chosen by the weights. Figures are kept for each name of a target; targets
of the same name are counted together. Of more than 100 names, the 99 with the greatest weights are counted apart and the
rest as `other`.

A body of `json` has the header `Content-Type: application/json` unless another one is given. Parameters are kept with
the run, credentials too.

### Templates

`${name}` in a path, a query, a header, a body or in `auth` is replaced by the value of a variable. In one request a
variable has one value, wherever it stands. `$${` is written for `${` itself.

| variable | value |
|---|---|
| `${seq}` | the number of the hit within the whole attack, from 0 |
| `${uuid}` | a random UUID (version 4) |
| `${now}`, `${now.date}` | when the hit is due, in UTC: `2025-01-02T15:04:05.123Z`, `2025-01-02` |
| `${now.s}`, `${now.ms}`, `${now.us}`, `${now.ns}` | the same as a number since 1970 |
| `${name}` | what the value provider of that name in `variables` makes |
| `${row.name}` | the column of that name in the file of `rows` |

Values arrive as what they are: they are percent-encoded in paths and queries, escaped in JSON, and cannot end the line
of a header. A text of a JSON body that is nothing but a variable, like `"${seq}"`, is replaced by the value as JSON: a
number stays a number. `${name:text}` makes it a text. `${name:raw}` puts it as it is, for a column that holds whole
paths (`"path": "${row.path:raw}"`) or JSON. Text bodies have no rules, so nothing is escaped in them.

```json
{"path": "/users/${row.id}", "auth": {"basic": {"username": "${row.name}", "password": "${row.password}"}},
 "rows": {"file": "users.csv", "order": "uniquePerWorker"}}
```

Rows come from CSV, whose first line names the columns, or from JSON objects, one a line. With the order `sequential` hit
*n* gets row *n mod rows*, on however many workers. With `uniquePerWorker` no two workers use the same row, so there are
never more workers than rows; each uses its rows in turn.

### Checks

A response whose status is not expected is an error of the kind `status`; one whose body fails a check is one of the kind
`check`. Both were answered, but are no successes. Bodies are looked at up to 1 MiB, those that come with gzip or deflate
are unpacked. Paths in JSON are the singular queries of RFC 9535: names and indexes, `$.items[0].id`, `$['a name'][-1]`.
Looking at bodies costs the load tester a part of its speed; expected statuses do not.

### Files of vegeta

`targetsFile` reads targets for `vegeta attack` in either of its formats. They are sent in turn: hit *n* is target
*n mod targets*. Headers and `auth` are added to targets that do not have them, `body` to those without one. Vegeta goes
wherever a URL says; here all hits go to the attack's target. So URLs in the file must be below it, or be paths; or
`hosts` says what their hosts are for.

```json
{"targetsFile": {"file": "targets.txt"}, "headers": {"Accept": "application/json"}}
```
"""

HTTP: Final = TestType(
    name="http",
    summary="Any HTTP API: a path, weighted targets or a file of them, with templates and checks.",
    description=DESCRIPTION,
    params=HttpParams,
    build=_build,
    check=_check,
    hits_per_worker=25_000,
    most_workers=_most_workers,
)
