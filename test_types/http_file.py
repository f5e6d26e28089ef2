"""A file of vegeta's targets as requests of test type `http`: each is static, and they are sent in turn."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from load_tester.domain.files import FileUnavailable
from load_tester.domain.request import Headers, Request, Targeter
from load_tester.domain.target import InvalidTarget, Target, parse_target
from load_tester.domain.test_type import BuildContext, InvalidParams
from test_types.body_check import observer
from test_types.escaping import in_url
from test_types.http_blueprint import Blueprint, Given, blueprints, counted_as, shortened
from test_types.http_draft import FileBody, Names, checked_method, checked_name, checked_value, draft_of
from test_types.http_params import HttpParams, TargetsFile
from test_types.renderer import Parts, Scope
from test_types.vegeta_targets import FileTarget, InvalidTargets, json_targets, text_targets

WITHOUT: Final = ("method", "path", "query", "targets", "variables", "rows")
"""The parameters that a file leaves nothing to say for."""
NO_NAMES: Final = Names(
    frozenset(), none_because="the targets of a file are no templates, nor is what is sent with them"
)
_PATH: Final = ".targetsFile.file"
_PORTS: Final = {"http": 80, "https": 443}


def file_targeter(params: HttpParams, file: TargetsFile, context: BuildContext) -> Targeter:
    """What sends the targets of the file. Raises `InvalidParams`."""
    (blueprint,) = blueprints(params)
    found = _read(file, context)
    common = _Common(blueprint, file, context)
    requests, lines = [], []
    for target in found:
        try:
            requests.append(common.request(target))
        except (ValueError, InvalidParams) as error:
            raise InvalidParams(f"{file.file}, line {target.line}: {error}", _PATH) from None
        lines.append(shortened(f"{target.method} {requests[-1].path.partition('?')[0]}"))
    names, places = _figures(lines)
    requests = [request._replace(target=place) for request, place in zip(requests, places, strict=True)]
    count, expected = len(requests), blueprint.expected
    return Targeter(
        lambda seq, _now_ns: requests[seq % count],
        observer([blueprint.checks.value] * len(names)),
        targets=names if len(names) > 1 else (),
        expected=expected,
        repeated=requests,
    )


def content_of(name: str, path: str, context: BuildContext) -> bytes:
    """What a file holds that is named by the parameter at the path. Raises `InvalidParams`."""
    try:
        return context.files.read(name)
    except FileUnavailable as error:
        raise InvalidParams(str(error), path) from None


def _read(file: TargetsFile, context: BuildContext) -> list[FileTarget]:
    content = content_of(file.file, _PATH, context)
    try:
        return json_targets(content) if file.format == "json" else text_targets(content, context.files.read)
    except InvalidTargets as error:
        raise InvalidParams(f"{file.file}, {error}", _PATH) from None


def _figures(lines: list[str]) -> tuple[tuple[str, ...], list[int]]:
    """The names that hits are counted as, each once, and which of them each target has."""
    counts = Counter(lines)
    counted = dict(zip(counts, counted_as(list(counts), list(counts.values())), strict=True))
    places = {name: place for place, name in enumerate(dict.fromkeys(counted.values()))}
    return tuple(places), [places[counted[line]] for line in lines]


class _Common:
    """What is said for all targets of the file, and where they lead."""

    def __init__(self, blueprint: Blueprint, file: TargetsFile, context: BuildContext) -> None:
        with_body = draft_of(blueprint, NO_NAMES)
        without = draft_of(replace(blueprint, body=Given(None, "")), NO_NAMES)
        body = with_body.body
        if isinstance(body, FileBody):
            body = content_of(body.name, body.path, context)
        self._body = body if isinstance(body, bytes) else _literal(body).encode()
        self._headers_with_body = {name.lower(): (name, _literal(parts)) for name, parts in with_body.headers}
        self._headers = {name.lower(): (name, _literal(parts)) for name, parts in without.headers}
        self._hosts = file.hosts
        self._target = _target(context.target_url)

    def request(self, target: FileTarget) -> Request:
        """The request; raises `ValueError` or `InvalidParams` for one that cannot be sent as it is meant."""
        method = checked_method(Given(target.method, ""))
        path, host = self._placed(target.url)
        common = self._headers_with_body if target.body is None else self._headers
        body = self._body if target.body is None else target.body
        return Request(method, path, _headers(target, common, body, host), body)

    def _placed(self, url: str) -> tuple[str, str]:
        """The path and the query, below the path of the attack's target, and the host to name besides."""
        if "#" in url:
            raise ValueError(f"{url!r} has a fragment, which is never sent; write %23 for the character #")
        if url.startswith("/"):
            return in_url(url), ""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or not parts.netloc.isascii():
            raise ValueError(f"{url!r} is neither a URL like http://host/path nor a path like /path")
        if parts.username is not None or parts.password is not None:
            raise ValueError(f"the URL of {parts.hostname} has credentials; give them as the header Authorization")
        path = in_url(f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}")
        if self._hosts != "match":
            return path, parts.netloc if self._hosts == "header" else ""
        origin = (parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme])
        return _below(url, origin, path, self._target), ""


def _target(url: str) -> Target | None:
    try:
        return parse_target(url)
    except InvalidTarget:
        return None  # there is none, or it is refused elsewhere


def _below(url: str, origin: tuple[str, str, int], path: str, target: Target | None) -> str:
    if target is None:
        raise ValueError(f"{url!r} names a host; name paths only, or say what its `hosts` are for")
    wanted = ("https" if target.tls else "http", target.host.lower(), target.port)
    if origin != wanted or not path.startswith(f"{target.prefix}/"):
        shown = f"{wanted[0]}://{target.authority}{target.prefix}/"
        raise ValueError(
            f"{url!r} is not below the attack's target, {shown}; name paths only, or send the hosts as `Host` with "
            'hosts: "header"'
        )
    return path.removeprefix(target.prefix)


def _headers(target: FileTarget, common: Mapping[str, tuple[str, str]], body: bytes, host: str) -> Headers:
    """Those of the target, and those for all that it does not have."""
    own = []
    for name, value in target.headers:
        if name.lower() == "content-length" and value == str(len(body)):
            continue  # a file that was recorded may have it; it is sent anyway
        own.append((checked_name(name, ""), checked_value(value, "")))
    names = {name.lower() for name, _ in own}
    rest = tuple(header for name, header in common.items() if name not in names)
    if host and "host" not in names and "host" not in common:
        rest = (("Host", host), *rest)
    return (*rest, *own)


def _literal(parts: Parts) -> str:
    """The text of a template without variables."""
    return Scope({}, ()).renderer(parts)(0, 0)
