"""What payloads are made of: identifiers, timestamps, weighted choices and JSON texts, made fast.

Everything returns text, which the test types put together with f-strings: that takes a quarter of the time of building
a tree of dicts and encoding it with msgspec, a sixth of that with `json` (`bench/generation.py`). Per payload nothing
is encoded to JSON that could be encoded once beforehand.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from random import Random
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TWO_DIGITS: Final = tuple(f"{n:02d}" for n in range(60))
_THREE_DIGITS: Final = tuple(f"{n:03d}" for n in range(1000))

# RFC 9562 §5.4: the version is in bits 76 to 79, counted from the lowest, the variant in bits 62 and 63.
_UUID4_SET: Final = (0x4 << 76) | (0x2 << 62)
_UUID4_DRAWN: Final = ((1 << 128) - 1) ^ (0xF << 76) ^ (0x3 << 62)
_PAIR_SET: Final = _UUID4_SET << 128 | _UUID4_SET
_PAIR_DRAWN: Final = _UUID4_DRAWN << 128 | _UUID4_DRAWN

# Go's encoding/json writes these so that JSON can stand inside of HTML.
_GO_ESCAPES: Final = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"})


def json_text(value: Any) -> str:
    """A value as JSON, with `<`, `>` and `&` in strings escaped as Go's encoder does: by their code point."""
    return msgspec.json.encode(value).decode().translate(_GO_ESCAPES)


def uuid4_pair(random_bits: int) -> tuple[str, str]:
    """Two version 4 UUIDs without dashes, 32 lower-case hex digits each, from 256 random bits.

    Two, because every envelope needs two and they take half the time of one and another one.
    """
    digits = (random_bits & _PAIR_DRAWN | _PAIR_SET).to_bytes(32, "big").hex()
    return digits[:32], digits[32:]


def hex_ids(random: Random, count: int) -> list[str]:
    """`count` ids of 16 hex digits, from one draw: a quarter of the time of formatting each by itself."""
    return random.getrandbits(64 * count).to_bytes(8 * count, "big").hex(" ", 8).split() if count else []


@lru_cache(maxsize=16_384)
def _minute_text(minute: int) -> str:
    """`2025-01-02T15:04:` for a number of minutes since 1970; eleven days of them are remembered."""
    return (_EPOCH + timedelta(minutes=minute)).isoformat()[:17]


def rfc3339_ms(unix_ms: int) -> str:
    """Unix milliseconds as `2025-01-02T15:04:05.123Z`."""
    minute, rest = divmod(unix_ms, 60_000)
    return f"{_minute_text(minute)}{_TWO_DIGITS[rest // 1000]}.{_THREE_DIGITS[rest % 1000]}Z"


now_rfc3339_ms: Final = lru_cache(maxsize=1)(rfc3339_ms)
"""The same for the present: the hits of one millisecond share the text, which takes a quarter of the time."""


def rfc3339_us(unix_us: int) -> str:
    """Unix microseconds as `2025-01-02T15:04:05.123456Z`."""
    ms, us = divmod(unix_us, 1000)
    return f"{rfc3339_ms(ms)[:-1]}{_THREE_DIGITS[us]}Z"


def rfc3339_ns(unix_ns: int, ms_text: str) -> str:
    """Unix nanoseconds as Go's RFC3339Nano writes them: `2025-01-02T15:04:05.12Z`, zeros at the end cut off.

    `ms_text` is what `rfc3339_ms` writes for the same instant.
    """
    ns = unix_ns % 1_000_000
    if not ns:
        return f"{ms_text[:-1].rstrip('0').rstrip('.')}Z"
    text = f"{ms_text[:-1]}{_THREE_DIGITS[ns // 1000]}{_THREE_DIGITS[ns % 1000]}"
    return f"{text}Z" if ns % 10 else f"{text.rstrip('0')}Z"


def seconds_us(us: int) -> str:
    """Microseconds, at least 0, as a JSON number of seconds: `1735689600.123456`."""
    seconds, rest = divmod(us, 1_000_000)
    return f"{seconds}.{_THREE_DIGITS[rest // 1000]}{_THREE_DIGITS[rest % 1000]}"


def weighted(random: Random, values: Sequence[T], weights: Sequence[float]) -> Callable[[], T]:
    """Choose values in proportion to their weights; 0 and below mean never, all of them the first value always."""
    chosen = [(value, weight) for value, weight in zip(values, weights, strict=True) if weight > 0]
    if not chosen:
        first = values[0]
        return lambda: first
    options = tuple(value for value, _ in chosen)
    limits = tuple(accumulate(weight for _, weight in chosen))
    total, last = limits[-1], len(options) - 1
    draw = random.random
    # Bounded, because of weights as small as floats can be the product is rounded, and may reach the total.
    return lambda: options[bisect_right(limits, draw() * total, 0, last)]
