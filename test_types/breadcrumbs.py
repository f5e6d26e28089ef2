"""Breadcrumbs: what happened before a transaction ended or an event came up; all of it now."""

from collections.abc import Callable
from itertools import product
from math import prod
from random import Random
from typing import Annotated, Final, NamedTuple

from msgspec import Meta

from load_tester.domain.duration import MICROSECOND
from load_tester.domain.test_type import InvalidParams
from test_types.generation import json_text, seconds_us
from test_types.params import Length, Texts, Words

DEFAULT_MAX_BREADCRUMBS: Final = 50
CATEGORIES: Final = ("auth", "web-request", "query")
LEVELS: Final = ("fatal", "error", "warning", "info", "debug")
TYPES: Final = ("default", "http", "error")
MESSAGES: Final = (
    "sending message via: UDP(10.8.0.10:53)",
    "GET http://localhost/xx/xxxx/xxxxxxxxxxxxxx [200]",
    "Authenticating the user_name",
    "IOError: [Errno 2] No such file or directory: '/tmp/someFile/'",
)
MAX_COMBINATIONS: Final = 10_000
"""Of breadcrumb types, categories, levels and messages: all of them are kept in memory, written out."""

MinBreadcrumbs = Annotated[Length, Meta(description="The fewest breadcrumbs.")]
Categories = Annotated[Words, Meta(description="Categories of breadcrumbs; none stand for the default ones.")]
Levels = Annotated[Words, Meta(description="Levels of breadcrumbs; none stand for the default ones.")]
Types = Annotated[Words, Meta(description="Types of breadcrumbs; none stand for the default ones.")]
Messages = Annotated[Texts, Meta(description="Messages of breadcrumbs; none stand for the default ones.")]


class BreadcrumbWords(NamedTuple):
    """What breadcrumbs choose from, as parameters say it: an empty tuple stands for the default one."""

    types: tuple[str, ...]
    categories: tuple[str, ...]
    levels: tuple[str, ...]
    messages: tuple[str, ...]

    def complete(self) -> tuple[tuple[str, ...], ...]:
        """Types, categories, levels and messages, none of them empty."""
        return (self.types or TYPES, self.categories or CATEGORIES, self.levels or LEVELS, self.messages or MESSAGES)


def check_words(words: BreadcrumbWords) -> None:
    """Raise `InvalidParams` when the words make too many combinations."""
    combinations = prod(map(len, words.complete()))
    if combinations > MAX_COMBINATIONS:
        raise InvalidParams(
            f"the words of breadcrumbs make {combinations} combinations; at most {MAX_COMBINATIONS} are allowed",
            ".breadcrumbMessages",
        )


def breadcrumb_writer(random: Random, least: int, most: int, words: BreadcrumbWords) -> Callable[[int], str]:
    """Write the member `breadcrumbs` with its comma, or nothing, at the Unix time given in nanoseconds.

    All combinations of words are written out beforehand: a breadcrumb is then one draw; two took twice the time.
    """
    if not most:
        return lambda _now_ns: ""
    draw, choices = random.random, random.choices
    options = most - least + 1
    endings = tuple(
        f',"type":{kind},"category":{category},"level":{level},"message":{message}}}'
        for kind, category, level, message in product(*(map(json_text, texts) for texts in words.complete()))
    )

    def write(now_ns: int) -> str:
        count = least + int(draw() * options)
        if not count:
            return ""
        opening = f'{{"timestamp":{seconds_us(now_ns // MICROSECOND)}'
        breadcrumbs = f",{opening}".join(choices(endings, k=count))
        return f',"breadcrumbs":[{opening}{breadcrumbs}]'

    return write
