"""How long the sink waits before it answers: a fixed time, or one drawn from a distribution."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from load_tester.domain.duration import HOUR, SECOND, InvalidDuration, parse_ns

FORMS: Final = "20ms, uniform:1ms:10ms, normal:20ms:5ms, exponential:10ms, lognormal:20ms:0.5"
"""One example of each form."""


class InvalidDelay(ValueError):
    """A text that does not describe a delay; the message shows the forms there are."""


@dataclass(frozen=True, slots=True)
class Delay:
    """A delay as it was written, and how one is drawn: `sample` gives seconds, at least 0."""

    text: str
    sample: Callable[[Random], float]


def parse_delay(text: str) -> Delay:
    """Read a delay.

    `uniform:LOW:HIGH`; `normal:MEAN:DEVIATION` (below 0 counts as 0); `exponential:MEAN`; `lognormal:MEDIAN:SIGMA`,
    where SIGMA is the plain number that is the deviation of the logarithm (0.5: one in a hundred takes 3.2 medians);
    or a fixed time.

    Raises:
        InvalidDelay: it is none of these, or a time is negative or above one hour.
    """
    name, *values = text.split(":") if ":" in text else ("fixed", text)
    try:
        return Delay(text, _SAMPLERS[name](*values))
    except KeyError:
        raise InvalidDelay(f"{text!r} is not a delay: {name!r} is unknown; write one like {FORMS}") from None
    except TypeError:
        raise InvalidDelay(f"{text!r} has the wrong number of parts; write it like {FORMS}") from None
    except ValueError as error:
        raise InvalidDelay(f"{text!r} is not a delay: {error}") from None


def _fixed(text: str) -> Callable[[Random], float]:
    seconds = _seconds(text)
    return lambda _: seconds


def _uniform(low: str, high: str) -> Callable[[Random], float]:
    low_s, high_s = _seconds(low), _seconds(high)
    if low_s > high_s:
        raise ValueError(f"{low} is more than {high}")
    return lambda random: random.uniform(low_s, high_s)


def _normal(mean: str, deviation: str) -> Callable[[Random], float]:
    mean_s, deviation_s = _seconds(mean), _seconds(deviation)
    return lambda random: max(0.0, random.gauss(mean_s, deviation_s))


def _exponential(mean: str) -> Callable[[Random], float]:
    mean_s = _seconds(mean)
    return lambda random: random.expovariate(1.0) * mean_s


def _lognormal(median: str, sigma: str) -> Callable[[Random], float]:
    median_s, sigma_number = _seconds(median), float(sigma)
    # Beyond 5 the tail is longer than anybody waits for; the bound also keeps exp() finite.
    if not 0 <= sigma_number <= 5:
        raise ValueError(f"sigma must be a number from 0 to 5, not {sigma}")
    return lambda random: median_s * math.exp(random.gauss(0, sigma_number))


def _seconds(text: str) -> float:
    try:
        ns = parse_ns(text)
    except InvalidDuration as error:
        raise ValueError(str(error)) from None
    if not 0 <= ns <= HOUR:
        raise ValueError(f"{text} is not between 0s and 1h")
    return ns / SECOND


_SAMPLERS: Final[dict[str, Callable[..., Callable[[Random], float]]]] = {
    "fixed": _fixed,
    "uniform": _uniform,
    "normal": _normal,
    "exponential": _exponential,
    "lognormal": _lognormal,
}
