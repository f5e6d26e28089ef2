"""The parameters of test type `http`, as users declare them."""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from test_types.body_check import Check
from test_types.rows import RowFormat, RowOrder
from test_types.values import ValueProvider

MAX_TEXT: Final = 1_000_000
MAX_PATH: Final = 8_000
MAX_LISTED: Final = 1_000
"""Targets there may be; a targets file may have more."""

Method = Annotated[str, Meta(max_length=50)]
Path = Annotated[str, Meta(max_length=MAX_PATH)]
FileName = Annotated[str, Meta(min_length=1, max_length=1_000)]
Template = Annotated[str, Meta(max_length=MAX_PATH)]
Scalar = str | bool | int | float
Query = dict[str, Scalar | tuple[Scalar, ...]]
Headers = dict[str, Template]
Status = Annotated[int, Meta(ge=200, le=599)] | Annotated[str, Meta(pattern="^[2-5][xX][xX]$")]
Statuses = Annotated[tuple[Status, ...], Meta(min_length=1, max_length=400)]
Checks = Annotated[tuple[Check, ...], Meta(max_length=50)]


class Body(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What is sent as body: one of these."""

    text: Annotated[
        Annotated[str, Meta(max_length=MAX_TEXT)] | None, Meta(description="A text, a template; sent in UTF-8.")
    ] = None
    json: Annotated[
        Any,
        Meta(
            description="Any JSON but `null`; its texts are templates, and one that is nothing but a variable is "
            "replaced by that variable's JSON."
        ),
    ] = None
    base64: Annotated[
        Annotated[str, Meta(max_length=MAX_TEXT)] | None, Meta(description="Any octets, in base64; no template.")
    ] = None
    file: Annotated[FileName | None, Meta(description="What a file holds; no template.")] = None


class Basic(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A user and a password; both are templates."""

    username: Annotated[Template, Meta(description="The user, without a colon.")]
    password: Annotated[Template, Meta(description="The password.")] = ""


class Auth(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What the header `Authorization` says: one of these."""

    basic: Annotated[Basic | None, Meta(description="User and password, by the scheme Basic (RFC 7617).")] = None
    bearer: Annotated[
        Annotated[str, Meta(min_length=1, max_length=MAX_PATH)] | None,
        Meta(description="A token, by the scheme Bearer (RFC 6750); a template."),
    ] = None


class TargetParams(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """One of several things to request. What it does not say is as it is for all."""

    path: Annotated[Path, Meta(description="As `path` of the test type.")]
    name: Annotated[
        str,
        Meta(max_length=200, description="What its hits are counted as; without one, the method and the path."),
    ] = ""
    weight: Annotated[
        int, Meta(ge=0, le=1_000_000_000, description="How often it is chosen, against the other weights; 0 for never.")
    ] = 1
    method: Annotated[Method | None, Meta(description="The method.")] = None
    query: Annotated[Query, Meta(max_length=200, description="Added to that for all; a name here replaces one.")] = {}
    headers: Annotated[
        Headers, Meta(max_length=200, description="Added to those for all; a name here replaces one.")
    ] = {}
    body: Annotated[str | Body | None, Meta(description="Instead of the body for all; an empty text for none.")] = None
    auth: Annotated[Auth | None, Meta(description="Instead of `auth` for all.")] = None
    expected_statuses: Annotated[Statuses | None, Meta(description="Instead of those for all.")] = None
    checks: Annotated[Checks | None, Meta(description="Instead of those for all; an empty list for none.")] = None


class RowsParams(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A file with a row of values for each hit."""

    file: Annotated[FileName, Meta(description="CSV with a line of names, or one JSON object a line.")]
    order: Annotated[
        RowOrder,
        Meta(
            description="Row *n mod rows* for hit *n*; any row, each equally likely; or, for `uniquePerWorker`, rows "
            "that no other worker uses, in turn."
        ),
    ] = "sequential"
    format: Annotated[
        RowFormat | None, Meta(description="What is in the file; without it, what the end of its name says.")
    ] = None


class TargetsFile(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A file of targets as vegeta reads it."""

    file: Annotated[FileName, Meta(description="The file; bodies that it names are read like it.")]
    format: Annotated[
        Literal["http", "json"], Meta(description="Vegeta's formats: text, or one JSON object a line.")
    ] = "http"
    hosts: Annotated[
        Literal["match", "header", "ignore"],
        Meta(
            description="Hits go to the attack's target, so the hosts in the file must be that one; or they are sent "
            "as `Host` (`header`), or dropped."
        ),
    ] = "match"


class HttpParams(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What is requested: one path, a list of targets, or those of a file."""

    method: Annotated[Method, Meta(description="The method.")] = "GET"
    path: Annotated[
        Path,
        Meta(
            description="The path, behind that of the attack's target; may have a query. A template; what cannot stand "
            "in a URL is percent-encoded."
        ),
    ] = "/"
    query: Annotated[
        Query,
        Meta(max_length=200, description="Names and values, or lists of values, of the query; templates, encoded."),
    ] = {}
    headers: Annotated[Headers, Meta(max_length=200, description="Headers by name; the values are templates.")] = {}
    body: Annotated[str | Body | None, Meta(description="The body; a text alone is its `text`.")] = None
    auth: Annotated[Auth | None, Meta(description="What the header `Authorization` says.")] = None
    expected_statuses: Annotated[
        Statuses | None,
        Meta(
            description="Statuses of successes, numbers or classes like `2xx`; others are errors of the kind `status`. "
            "Without them, 200 to 399 are successes."
        ),
    ] = None
    checks: Annotated[
        Checks | None,
        Meta(description="What the bodies of responses have to be; one that is not is an error of the kind `check`."),
    ] = None
    targets: Annotated[
        Annotated[tuple[TargetParams, ...], Meta(min_length=1, max_length=MAX_LISTED)] | None,
        Meta(description="Several things to request, instead of `path`; what else is given is for all of them."),
    ] = None
    targets_file: Annotated[TargetsFile | None, Meta(description="Targets from a file, in turn.")] = None
    variables: Annotated[
        dict[str, ValueProvider], Meta(max_length=100, description="What `${name}` is in templates, by name.")
    ] = {}
    rows: Annotated[RowsParams | None, Meta(description="A file whose columns are `${row.name}` in templates.")] = None
