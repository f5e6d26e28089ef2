"""Frames between control and worker: whole messages, whatever the pieces in which they travel."""

import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain.attack import Order, Tls
from load_tester.domain.command import MAX_SEED
from load_tester.domain.histogram import HistogramDelta
from load_tester.domain.metrics import Counts, Second
from load_tester.domain.pacer import ConstantPacer
from load_tester.domain.project import Project
from load_tester.engine import frames

ORDER = Order(
    run_id="r1",
    target_url="https://h/x",
    test_type="session",
    params={"a": [1, None, "x"], "b": {"c": 1.5}},
    pacer=ConstantPacer(1000, 10**9),
    duration_ns=366 * 86400 * 10**9,
    timeout_ns=3600 * 10**9,
    max_connections=65535,
    seed=MAX_SEED,
    epoch_ns=-1,
    tls=Tls(verify=False, ca_pem="pem"),
    projects=(Project(project_id="1", project_key="k"),),
)
SECOND = Second(
    3,
    Counts(planned=2, status_codes={200: 1, 503: 2}, errors={"reset": 1}),
    HistogramDelta(2, 2**62, 1, 2**61, b"\0\1", bytes(8)),
    HistogramDelta(),
    HistogramDelta(),
)
TO_WORKER: list[frames.ToWorker] = [frames.Plan(ORDER, 1, 2, 3, "7/1"), frames.Start(-5), frames.Stop(10**9)]
FROM_WORKER: list[frames.FromWorker] = [
    frames.Ready(),
    frames.Ready("no"),
    frames.Stopped(12),
    frames.Snapshot(),
    frames.Snapshot((SECOND, SECOND), 1, 2, 3, 4, {"reset": "why"}, done=True, failure="what"),
]


async def read_all(pieces: list[bytes]) -> tuple[list[bytes], bytes]:
    """The contents of the frames in a stream that arrives in these pieces, and what was left of it at its end."""
    reader = asyncio.StreamReader()
    contents = []

    async def feed() -> None:
        for piece in pieces:
            reader.feed_data(piece)
            await asyncio.sleep(0)
        reader.feed_eof()

    feeding = asyncio.ensure_future(feed())
    try:
        while True:
            contents.append(await frames.read(reader))
    except asyncio.IncompleteReadError as error:
        await feeding
        return contents, error.partial


@given(st.data())
def test_messages_come_through_however_the_stream_is_cut(data: st.DataObject) -> None:
    """In order, whole, equal to what was sent, and of the same types."""
    sent = data.draw(st.lists(st.sampled_from([*TO_WORKER, *FROM_WORKER]), max_size=6))
    stream = b"".join(map(frames.encode, sent))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True) if a < b]
    contents, rest = asyncio.run(read_all(pieces))
    assert rest == b""
    decoders = [frames.to_worker if message in TO_WORKER else frames.from_worker for message in sent]
    received = [decoder.decode(content) for decoder, content in zip(decoders, contents, strict=True)]
    assert received == sent
    assert [type(message) for message in received] == [type(message) for message in sent]


@pytest.mark.anyio
@pytest.mark.parametrize("kept", [0, 3, 4, 10])
async def test_a_stream_that_ends_says_so(kept: int) -> None:
    """Between frames or within one, it is the end, and no message is made of a part."""
    reader = asyncio.StreamReader()
    reader.feed_data(frames.encode(frames.Start(1))[:kept])
    reader.feed_eof()
    with pytest.raises(asyncio.IncompleteReadError):
        await frames.read(reader)


@pytest.mark.anyio
async def test_a_frame_that_is_too_long_is_refused_before_it_is_read() -> None:
    """What is no worker cannot make the control process hold gigabytes."""
    reader = asyncio.StreamReader()
    reader.feed_data((frames.MAX_FRAME_BYTES + 1).to_bytes(4))
    with pytest.raises(ConnectionError, match="is longer than"):
        await frames.read(reader)


@pytest.mark.parametrize("decoder", [frames.to_worker, frames.from_worker])
@pytest.mark.parametrize("content", [b"", b"\xc1", msgspec.msgpack.encode({"type": "?"}), msgspec.msgpack.encode(1)])
def test_what_is_no_message_is_refused(decoder: msgspec.msgpack.Decoder[object], content: bytes) -> None:
    """Neither side takes a frame for a message of the other kind, or of none."""
    with pytest.raises(msgspec.DecodeError):
        decoder.decode(content)
