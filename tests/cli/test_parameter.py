"""The words of the command line, one by one."""

import logging
from collections.abc import Callable
from typing import Any

import click
import pytest

from load_tester.cli.parameter import (
    LEVELS,
    DelayType,
    DurationType,
    LabelType,
    LevelType,
    PortType,
    Rate,
    RateType,
    TargetType,
)
from load_tester.domain.duration import MINUTE, SECOND


def converted(kind: click.ParamType[Any], text: str) -> Any:
    """What a word means."""
    return kind.convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("100", Rate(100, SECOND)),
        ("100/1s", Rate(100, SECOND)),
        ("100/s", Rate(100, SECOND)),
        ("6/m", Rate(6, MINUTE)),
        ("1/1m30s", Rate(1, 90 * SECOND)),
        ("0", Rate(0, SECOND)),
        ("0/1s", Rate(0, SECOND)),
    ],
)
def test_rates_are_hits_per_time(text: str, rate: Rate) -> None:
    """Without a time it is a second."""
    assert converted(RateType(), text) == rate


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *(
            (RateType, text)
            for text in ("", "1.5", "-1", "+1", "1/", "1/0s", "1/-1s", "1/x", "/1s", "9" * 30, "\u0661")
        ),
        *((DurationType, text) for text in ("", "10", "ten", "-1s")),
        *((TargetType, text) for text in ("", "localhost", "http://", "http://a b")),
        *((LevelType, text) for text in ("", "loud")),
        *((DelayType, text) for text in ("", "20", "zipf:1ms")),
        *((LabelType, text) for text in ("", "env", "=staging")),
        *((PortType, text) for text in ("", "-1", "65536", "http")),
    ],
)
def test_what_makes_no_sense_is_refused(kind: Callable[[], click.ParamType[Any]], text: str) -> None:
    """As a mistake of the user, with a message of one line."""
    with pytest.raises(click.BadParameter) as caught:
        converted(kind(), text)
    assert "\n" not in caught.value.format_message()


@pytest.mark.parametrize(("level", "names"), LEVELS.items())
def test_every_name_of_a_level_is_understood(level: int, names: tuple[str, ...]) -> None:
    """In any case of letters."""
    assert {converted(LevelType(), name.upper()) for name in names} == {level}


def test_a_disabled_log_is_above_all_levels() -> None:
    """Nothing that the program logs reaches it."""
    assert converted(LevelType(), "disabled") > logging.CRITICAL


def test_the_address_of_a_kubernetes_service_is_no_port() -> None:
    """The variable that Kubernetes sets beside a service called load-tester leaves the default in place."""
    option = click.Option(["--port"], type=PortType(), default=8000)
    with click.Context(click.Command("serve")) as context:
        assert PortType().convert("tcp://10.0.0.1:80", option, context) == 8000


def test_a_label_may_hold_signs_of_equality() -> None:
    """The first one parts key and value."""
    assert converted(LabelType(), "query=a=b") == ("query", "a=b")
    assert converted(LabelType(), "empty=") == ("empty", "")
