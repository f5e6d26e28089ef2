"""What tests of Sentry's payloads share: the requests of an afternoon, and checks of what many payloads say."""

import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from random import Random
from typing import Any

from hypothesis import strategies as st

from load_tester.domain.project import MadeUpProjects, ProjectProvider
from load_tester.domain.request import Request
from load_tester.domain.test_type import BuildContext, TestType
from test_types.breadcrumbs import CATEGORIES, LEVELS, MESSAGES, TYPES
from test_types.contexts import BRANDS, FLAGS, SIZES
from test_types.spans import STATUSES

AFTERNOON_NS = 1_735_830_245_123_456_789  # 2025-01-02T15:04:05.123456789Z
NOW = datetime.fromisoformat("2025-01-02T15:04:05.123456Z")
NOW_S = 1_735_830_245.123456
SPAN_ID = re.compile("[0-9a-f]{16}")
VERSION = re.compile(r"\d\.\d\.\d")

words = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5), max_size=4, unique=True)


def requests(
    test_type: TestType[Any],
    params: dict[str, Any],
    hits: int,
    seed: int = 1,
    *,
    projects: ProjectProvider | None = None,
    interval_ns: int = 0,
) -> list[Request]:
    """The requests of the first hits, from the afternoon on, one each interval."""
    context = BuildContext(Random(seed), projects or MadeUpProjects())
    request = test_type.build(test_type.decode(params), context).request
    return [request(seq, AFTERNOON_NS + seq * interval_ns) for seq in range(hits)]


def opened(request: Request) -> tuple[dict[str, Any], Any]:
    """The envelope header and the payload of an envelope."""
    header, _, payload, _ = request.body.split(b"\n")
    return json.loads(header), json.loads(payload)


def bounds(low: str, high: str, largest: int, least: int = 0) -> st.SearchStrategy[dict[str, int]]:
    """Two parameters in order; the upper one is above 0."""
    return st.tuples(st.integers(least, largest), st.integers(max(least, 1), largest)).map(
        lambda pair: {low: min(pair), high: max(pair)}
    )


def check_user(user: dict[str, Any], params: dict[str, Any]) -> None:
    """The user has an address, and with `numUsers` above 0 a name and an id."""
    octets = user.pop("ip_address").split(".")
    assert len(octets) == 4
    assert all(octet in {str(n) for n in range(255)} for octet in octets)
    num_users = params.get("numUsers", 0)
    assert set(user) == ({"username", "id"} if num_users else set())
    if num_users:
        assert re.fullmatch(r"Hobgoblin[01]\.\d{6}", user["username"])
        assert user["id"] in {str(n) for n in range(num_users)}


def check_contexts(contexts: dict[str, Any]) -> None:
    """Operating system, device and app are empty or have their fields."""
    if system := contexts["os"]:
        assert set(system) == {"type", "rooted", "kernel_version", "version", "build", "name"}
        assert (system["type"], isinstance(system["rooted"], bool)) == ("os", True)
        assert VERSION.fullmatch(system["version"])
        assert system["name"] in {"Android", "NookPhone"}
    if app := contexts["app"]:
        assert VERSION.fullmatch(app.pop("app_version"))
        assert VERSION.fullmatch(app.pop("app_build"))
        assert app == {"type": "app", "app_identifier": "io.sentry.sample", "app_name": "sample"}
    if contexts["device"]:
        check_device(contexts["device"])


def check_trace(trace: dict[str, Any], operations: Sequence[str]) -> None:
    """The trace has its ids, a status, and one of the operations where there are any."""
    assert set(trace) - {"op"} == {"type", "trace_id", "span_id", "parent_span_id", "status"}
    assert trace["type"] == "trace"
    assert trace.get("op") in (operations or {None})
    assert trace["status"] in STATUSES
    assert SPAN_ID.fullmatch(trace["span_id"])
    assert SPAN_ID.fullmatch(trace["parent_span_id"])


DEVICE: dict[str, Callable[[Any], bool]] = {
    "type": lambda value: value == "device",
    "model": lambda value: value == "NYC-1",
    "model_id": lambda value: value == "NYC",
    "arch": lambda value: re.fullmatch(r"x[01]\.\d{6}", value) is not None,
    "orientation": lambda value: value in {"portrait", "landscape"},
    "manufacturer": lambda value: value in {"Google", "Hasbro"},
    "brand": lambda value: value in BRANDS,
    "boot_time": lambda value: NOW_S - 7 * 86_400 - 1 <= int(value) <= NOW_S,
}
"""What a device always has."""

OPTIONAL: dict[str, Callable[[Any], bool]] = {
    "name": lambda value: isinstance(value, str),
    "family": lambda value: isinstance(value, str),
    "screen_resolution": lambda value: re.fullmatch(r"\d+x\d+", value) is not None,
    "battery_level": lambda value: value in range(1, 101),
    "screen_density": lambda value: value in range(1, 5),
    "screen_dpi": lambda value: value in range(1, 1000),
    **dict.fromkeys(FLAGS, lambda value: value is True),
    **dict.fromkeys(SIZES, lambda value: value in range(1, 1_000_000)),
}
"""What a device has unless it is zero, false or empty."""


def check_device(device: dict[str, Any]) -> None:
    """Every field of a device is in its range; those that are zero or false are left out."""
    assert set(DEVICE) <= set(device) <= set(DEVICE | OPTIONAL)
    for name, value in device.items():
        assert (DEVICE | OPTIONAL)[name](value), (name, value)


def check_breadcrumbs(
    breadcrumbs: list[dict[str, Any]], params: dict[str, Any], types: str = "breadcrumbTypes"
) -> None:
    """There are as many breadcrumbs as allowed, of the words given or the default ones, all of them now."""
    assert params["minBreadcrumbs"] <= len(breadcrumbs) <= params["maxBreadcrumbs"]
    for breadcrumb in breadcrumbs:
        assert list(breadcrumb) == ["timestamp", "type", "category", "level", "message"]
        assert breadcrumb["timestamp"] == NOW_S
        assert breadcrumb["type"] in (params.get(types) or TYPES)
        assert breadcrumb["category"] in (params.get("breadcrumbCategories") or CATEGORIES)
        assert breadcrumb["level"] in (params.get("breadcrumbLevels") or LEVELS)
        assert breadcrumb["message"] in (params.get("breadcrumbMessages") or MESSAGES)
