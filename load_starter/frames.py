"""What the process that evaluates a script says to the one that waits for it: length-prefixed MessagePack frames.

Whatever is read is checked against the types below; nothing is executed by reading it.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Any, Final, Self, get_args

import msgspec

from load_starter.plan import Place, Plan, Step
from load_starter.trouble import ScriptError
from load_tester.domain.duration import Duration

_LENGTH: Final = struct.Struct("!Q")


def _plain(value: object) -> int:
    assert isinstance(value, Duration), "nothing else in a plan is a type of ours that msgspec does not know"
    return value.ns


def _typed(kind: type[Any], value: Any) -> Any:
    assert kind is Duration, "see _plain"
    return Duration(value)


_STEPS: Final = {kind.__name__: msgspec.msgpack.Decoder(kind, dec_hook=_typed) for kind in get_args(Step)}
_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=_plain)


class Opened(msgspec.Struct, frozen=True, tag=True):
    """A file is about to be evaluated; the first is number 0."""

    name: str
    source: str


class Printed(msgspec.Struct, frozen=True, tag=True):
    """The script has printed a line."""

    line: str


class Planned(msgspec.Struct, frozen=True, tag=True):
    """The script has come to its plan: the name of each step's type with the step itself."""

    steps: list[tuple[str, msgspec.Raw]]

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """The frame that tells of a plan."""
        return cls([(type(step).__name__, msgspec.Raw(_ENCODER.encode(step))) for step in plan.steps])

    def plan(self) -> Plan:
        """The plan that the frame tells of."""
        return Plan(tuple(_STEPS[kind].decode(step) for kind, step in self.steps))


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The script has an error."""

    message: str
    file: str
    line: int
    source_line: str
    trail: tuple[Place, ...]

    @classmethod
    def of(cls, error: ScriptError) -> Self:
        """The frame that tells of an error."""
        return cls(error.message, error.file, error.line, error.source_line, error.trail)

    def error(self) -> ScriptError:
        """The error that the frame tells of."""
        return ScriptError(self.message, self.file, self.line, self.source_line, self.trail)


class Ended(msgspec.Struct, frozen=True, tag=True):
    """The evaluation cannot go on, because of something that the script does; `reason` says what."""

    reason: str


class Broken(msgspec.Struct, frozen=True, tag=True):
    """The evaluation has failed by no fault of the script; `report` is the traceback."""

    report: str


Frame = Opened | Printed | Planned | Refused | Ended | Broken

_DECODER: Final = msgspec.msgpack.Decoder(Frame)


def framed(frame: Frame) -> bytes:
    """A frame as it travels."""
    body = _ENCODER.encode(frame)
    return _LENGTH.pack(len(body)) + body


def frames(receive: Callable[[], bytes]) -> Iterator[Frame]:
    """The frames in what `receive` returns, part by part, until it returns nothing; one that is cut off is left out.

    Raises:
        msgspec.ValidationError: a frame is none of those above.
    """
    buffer = bytearray()
    while data := receive():
        buffer += data
        while len(buffer) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(buffer)[0]
            if len(buffer) < end:
                break
            body = bytes(buffer[_LENGTH.size : end])
            del buffer[:end]
            yield _DECODER.decode(body)
