"""What control and worker say to each other: length-prefixed MessagePack frames over a stream socket.

Nothing in a frame is local to a machine: no paths, descriptors, pickles, or readings of a monotonic clock. A frame is
four bytes of length, big-endian, and the message.
"""

import asyncio
import struct
from typing import Final

import msgspec

from load_tester.domain.attack import Order
from load_tester.domain.metrics import Second

MAX_FRAME_BYTES: Final = 64 * 1024 * 1024
_LENGTH = struct.Struct(">I")


class Plan(msgspec.Struct, frozen=True, tag="plan"):
    """To a worker, once: its part of an attack. `random_seed` seeds all randomness of its payloads."""

    order: Order
    first: int
    step: int
    max_connections: int
    random_seed: str


class Start(msgspec.Struct, frozen=True, tag="start"):
    """To a worker, once, after `Ready`: the instant of the calendar at which hit 0 of the attack is due."""

    at_unix_ns: int


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """To a worker: send no further hit, answer `Stopped`, and give the hits in flight this long to finish.

    May come again; the shortest time counts.
    """

    grace_ns: int


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """From a worker: the plan can be started; or, with a `refusal`, why it cannot."""

    refusal: str | None = None


class Stopped(msgspec.Struct, frozen=True, tag="stopped"):
    """From a worker: no further hit is sent."""

    in_flight: int


class Snapshot(msgspec.Struct, frozen=True, tag="snapshot"):
    """From a worker, several times a second: what has happened since the one before, and some readings.

    `seconds` are to be added up. `saturated_ns` is the time since the snapshot before if the worker used at least 95 %
    of a core in it, else 0. `messages` holds the first message of each new kind of error. With `done` it is the last
    one; with `failure` the payload generator failed and the worker has stopped.
    """

    seconds: tuple[Second, ...] = ()
    open: int = 0
    in_flight: int = 0
    waiting: int = 0
    saturated_ns: int = 0
    messages: dict[str, str] = msgspec.field(default_factory=dict)
    done: bool = False
    failure: str | None = None


ToWorker = Plan | Start | Stop
FromWorker = Ready | Stopped | Snapshot

_encoder = msgspec.msgpack.Encoder()
to_worker = msgspec.msgpack.Decoder(ToWorker)
from_worker = msgspec.msgpack.Decoder(FromWorker)


def encode(message: ToWorker | FromWorker) -> bytes:
    """The frame of a message."""
    content = _encoder.encode(message)
    return _LENGTH.pack(len(content)) + content


async def read(reader: asyncio.StreamReader) -> bytes:
    """The content of the next frame.

    Raises:
        asyncio.IncompleteReadError: the stream has ended.
        ConnectionError: the stream broke, or the frame is longer than `MAX_FRAME_BYTES`.
    """
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    if length > MAX_FRAME_BYTES:
        raise ConnectionError(f"a frame of {length} bytes is longer than {MAX_FRAME_BYTES}")
    return await reader.readexactly(length)
