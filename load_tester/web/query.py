"""Query parameters: each declared once, for the handler that reads it and for the documents that describe it."""

from dataclasses import dataclass
from typing import Any, Final, Protocol

from starlette.exceptions import HTTPException
from starlette.requests import Request

from load_tester.domain.duration import InvalidDuration, format_ns, parse_ns
from load_tester.domain.parameter import Parameter
from load_tester.domain.schema import DURATION_PATTERN

MAX_DIGITS: Final = 20


class QueryParameter(Protocol):
    """A parameter as the documents see it."""

    @property
    def described(self) -> Parameter:
        """What there is to say of it."""

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its value."""


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """A whole number from `low` to `high`; `default` when it is not given."""

    name: str
    meaning: str
    default: int
    low: int
    high: int

    def of(self, request: Request) -> int:
        """Its value in a request.

        Raises:
            HTTPException: 400 when it is not one.
        """
        text = request.query_params.get(self.name)
        if text is None:
            return self.default
        # The length first: Python refuses to read very long numbers.
        if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS and self.low <= int(text) <= self.high:
            return int(text)
        raise HTTPException(400, f"{self.name} must be a whole number from {self.low} to {self.high}, not {text!r}")

    @property
    def described(self) -> Parameter:
        """What there is to say of it."""
        limits = f"{self.low} to {self.high}"
        return Parameter(self.name, "integer", "", str(self.default), limits, self.meaning)

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its value."""
        return {"type": "integer", "minimum": self.low, "maximum": self.high, "default": self.default}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several words; the first when it is not given."""

    name: str
    meaning: str
    options: tuple[str, ...]

    def of(self, request: Request) -> str:
        """Its value in a request.

        Raises:
            HTTPException: 400 when it is none of them.
        """
        word = request.query_params.get(self.name, self.options[0])
        if word not in self.options:
            raise HTTPException(400, f"{self.name} must be {' or '.join(self.options)}, not {word!r}")
        return word

    @property
    def described(self) -> Parameter:
        """What there is to say of it."""
        kind = "one of " + ", ".join(f"`{option}`" for option in self.options)
        return Parameter(self.name, kind, "", self.options[0], "", self.meaning)

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its value."""
        return {"type": "string", "enum": list(self.options), "default": self.options[0]}


@dataclass(frozen=True, slots=True)
class Span:
    """A duration from 0 to `most_ns`, in Go's form; `default_ns` when it is not given."""

    name: str
    meaning: str
    default_ns: int
    most_ns: int

    def of(self, request: Request) -> int:
        """Its value in a request, in nanoseconds.

        Raises:
            HTTPException: 400 when it is not one.
        """
        text = request.query_params.get(self.name)
        if text is None:
            return self.default_ns
        try:
            span_ns = parse_ns(text)
        except InvalidDuration as error:
            raise HTTPException(400, f"{self.name}: {error}") from None
        if not 0 <= span_ns <= self.most_ns:
            raise HTTPException(400, f"{self.name} must be between 0s and {format_ns(self.most_ns)}, not {text}")
        return span_ns

    @property
    def described(self) -> Parameter:
        """What there is to say of it."""
        limits = f"0s to {format_ns(self.most_ns)}"
        return Parameter(self.name, "duration", "", format_ns(self.default_ns), limits, self.meaning)

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its value."""
        return {"type": "string", "pattern": DURATION_PATTERN, "default": format_ns(self.default_ns)}
