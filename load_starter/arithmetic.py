"""Computes with the durations of a script: `load_tester.domain.duration` says what every operator means."""

import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from load_starter.value import from_script, in_script
from load_starter.vocabulary import Mistake
from load_tester.domain.duration import Duration, InvalidDuration

_OPERATORS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_UNARY: Final[dict[str, Callable[[Any], Any]]] = {"-": operator.neg, "abs": operator.abs}
_NUMBERS: Final = ("int", "float")
_COMPARISONS: Final = ("<", "<=", ">", ">=")


def operate(sign: str, left_type: str, left: Any, right_type: str, right: Any) -> Any:
    """The value of `left sign right`, of which at least one is a duration; types are named as scripts name them.

    What is neither a number nor a duration comes as `None`, an infinite float as its text.

    Raises:
        Mistake: the operator is not defined for these types, divides by zero, or leaves the range of durations.
    """
    if not {left_type, right_type} <= {"duration", *_NUMBERS}:
        raise Mistake(_refusal(sign, left_type, right_type))
    try:
        return _guest(_OPERATORS[sign](_host(left), _host(right)))
    except TypeError:
        raise Mistake(_refusal(sign, left_type, right_type)) from None
    except ZeroDivisionError:
        raise Mistake(f"division by zero: {_host(left)} {sign} {_host(right)}") from None
    except (InvalidDuration, OverflowError) as error:
        raise Mistake(str(error)) from None


def operate_unary(sign: str, value: Any) -> Any:
    """The value of `-value` or `abs(value)` for a duration.

    Raises:
        Mistake: the result leaves the range of durations.
    """
    try:
        return _guest(_UNARY[sign](_host(value)))
    except InvalidDuration as error:
        raise Mistake(str(error)) from None


def _host(value: Any) -> Any:
    match value:
        case Decimal():
            return from_script(value)
        case str():
            return float(value)
    return value


def _guest(value: Any) -> Any:
    return in_script(value) if isinstance(value, Duration) else value


def _refusal(sign: str, left_type: str, right_type: str) -> str:
    both = {left_type, right_type}
    if sign in _COMPARISONS:
        hint = "a duration can only be compared with a duration"
    elif sign in ("+", "-") and both & set(_NUMBERS):
        hint = "give the number a unit, like 5 * Second"
    elif sign == "*" and both == {"duration"}:
        hint = "a duration can only be multiplied by a number"
    elif sign in ("/", "//", "%") and left_type in _NUMBERS:
        hint = "a number cannot be divided by a duration"
    elif sign == "%" and right_type in _NUMBERS:
        hint = "the remainder of a duration needs a duration, like 90 * Second % Minute"
    else:
        hint = "durations are added to durations, and multiplied or divided by numbers"
    return f"{left_type} {sign} {right_type} is not possible: {hint}"
