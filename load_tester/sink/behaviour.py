"""What a sink does besides answering and counting."""

from dataclasses import dataclass
from typing import Final

from load_tester.domain.duration import DAY
from load_tester.sink.delay import Delay

MAX_BODY_BYTES: Final = 64 * 1024 * 1024


class InvalidBehaviour(ValueError):
    """Settings that a sink cannot follow; the message says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How a sink answers; by default with 200 and a small body, at once, for ever.

    Attributes:
        latency: from the whole request to the response.
        error_ratio: this share of the requests, 0 to 1, is answered with `error_status`.
        error_status: 400 to 599.
        stall_at_ns: when the stall begins, from the first request after start or reset.
        stall_for_ns: how long it lasts; 0 for no stall. Until its end requests are read, and then all answered at once.
        close_after: connections are closed after so many responses; 0 for never.
        close_abruptly: they are closed without the `Connection: close` that announces it.
        close_ratio: this share of the requests, 0 to 1, is answered by closing the connection without a response.
        body_bytes: the size of the body of a response; `None` for the short text `ok`.
        chunked: bodies are sent in chunks, without a `Content-Length`.
        seed: of all that is drawn; `None` for a different sequence each time.

    Raises:
        InvalidBehaviour: a value is out of its range.
    """

    latency: Delay | None = None
    error_ratio: float = 0.0
    error_status: int = 503
    stall_at_ns: int = 0
    stall_for_ns: int = 0
    close_after: int = 0
    close_abruptly: bool = False
    close_ratio: float = 0.0
    body_bytes: int | None = None
    chunked: bool = False
    seed: int | None = None

    def __post_init__(self) -> None:
        for name, ratio in (("error ratio", self.error_ratio), ("close ratio", self.close_ratio)):
            _check(0 <= ratio <= 1, f"the {name} must be between 0 and 1, not {ratio}")
        _check(400 <= self.error_status <= 599, f"the error status must be 400 to 599, not {self.error_status}")
        for name, span in (("start", self.stall_at_ns), ("length", self.stall_for_ns)):
            _check(0 <= span <= DAY, f"the {name} of the stall must be between 0s and 24h")
        _check(self.close_after >= 0, f"connections cannot be closed after {self.close_after} responses")
        size = self.body_bytes or 0
        _check(0 <= size <= MAX_BODY_BYTES, f"the body size must be between 0 and {MAX_BODY_BYTES} bytes, not {size}")

    @property
    def is_plain(self) -> bool:
        """Whether every request is answered alike and at once, except in a stall, so that the fast path serves."""
        return not (self.latency or self.error_ratio or self.close_after or self.close_ratio or self.chunked)


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise InvalidBehaviour(message)
