"""What the sink counts, and how it misbehaves when told to."""

import asyncio
import ssl

import pytest
import trustme

from load_tester.domain.instant import parse_instant_ns
from load_tester.sink.behaviour import Behaviour, InvalidBehaviour
from load_tester.sink.delay import parse_delay
from load_tester.sink.recorded import MAX_RECORDED_BYTES
from load_tester.sink.server import Sink
from load_tester.sink.shared import Shared
from load_tester.sink.tally import MAX_PATH_BYTES, MAX_PATHS, MAX_SECONDS, Tally
from tests.sink.wire import ask, dial, get, own, post, read

pytestmark = pytest.mark.anyio


async def test_the_counts_are_served_as_json_and_do_not_count_themselves() -> None:
    """`GET /stats` says what came in, and asking changes nothing."""
    async with Sink() as sink:
        for path in ("/a", "/a?x=1", "/b"):
            await ask(sink, post(b"123", path))
        first = await own(sink, b"GET /stats")
        second = await own(sink, b"GET /stats")
    assert first == second
    assert (first["requests"], first["responses"], first["bytes"], first["connections"]) == (3, 3, 9, 3)
    assert first["paths"] == {"/a": 2, "/b": 1}
    assert first["statuses"] == {"200": 3}
    assert sum(first["perSecond"]) == 3
    assert parse_instant_ns(first["firstAt"]) <= parse_instant_ns(first["lastAt"])


async def test_a_reset_forgets_all_counts() -> None:
    """`POST /reset` makes the sink as new; a connection that stays counts again when it is used again."""
    async with Sink() as sink:
        reader, writer = await dial(sink)
        writer.write(get("/a"))
        await read(reader)
        before = sink.stats()
        assert await own(sink, b"POST /reset") == {"status": "ok"}
        empty = sink.stats()
        writer.write(get("/b"))
        await read(reader)
        after = sink.stats()
        writer.close()
    assert (before.requests, before.open_connections) == (1, 1)
    assert (empty.requests, empty.connections, empty.first_at, empty.paths) == (0, 0, None, {})
    assert (after.requests, after.connections, after.open_connections, after.paths) == (1, 1, 1, {"/b": 1})


async def test_other_methods_on_its_own_paths_are_ordinary_requests() -> None:
    """Only `GET /stats`, `GET /requests` and `POST /reset` are the sink's own."""
    async with Sink() as sink:
        for request in (post(b"x", "/stats"), get("/reset"), post(b"x", "/requests"), get("/requests?x")):
            await ask(sink, request)
        assert sink.stats().paths == {"/stats": 1, "/reset": 1, "/requests": 2}


async def test_the_last_requests_can_be_looked_at() -> None:
    """With time, request line, headers and body, as text where it is text; a reset forgets them, zero keeps none."""
    async with Sink(record=2) as sink:
        for body in (b"forgotten", "Grüße".encode(), b"\xff\x00"):
            await ask(sink, post(body, f"/{len(body)}?q"))
        recorded, shown = sink.recorded(), await own(sink, b"GET /requests")
        assert sink.stats().requests == 3
        sink.reset()
        assert sink.recorded() == ()
    assert [(one.method, one.target, one.body) for one in recorded] == [
        ("POST", "/7?q", "Grüße".encode()),
        ("POST", "/2?q", b"\xff\x00"),
    ]
    assert [parse_instant_ns(one.pop("at")) for one in shown] == [one.at_ns for one in recorded]
    headers = [[["Host", "sink"], ["Content-Length", str(length)]] for length in (7, 2)]
    assert shown == [
        {"method": "POST", "target": "/7?q", "headers": headers[0], "bodyBytes": 7, "body": "Grüße"},
        {"method": "POST", "target": "/2?q", "headers": headers[1], "bodyBytes": 2, "bodyBase64": "/wA="},
    ]
    async with Sink(record=0) as sink:
        await ask(sink, get())
        assert await own(sink, b"GET /requests") == []


async def test_a_sink_keeps_ten_requests_unless_told_otherwise() -> None:
    """Also of those that come at once on one connection, and of those it answers with an error."""
    for behaviour in (Behaviour(), Behaviour(error_ratio=1.0)):
        async with Sink(behaviour) as sink:
            reader, writer = await dial(sink)
            writer.write(b"".join(get(f"/{number}") for number in range(25)))
            for _ in range(25):
                await read(reader)
            writer.close()
            assert [one.target for one in sink.recorded()] == [f"/{number}" for number in range(15, 25)]


async def test_a_long_body_is_kept_in_part() -> None:
    """It is cut after 1 MiB, in the middle of a character if need be; how long it was is known."""
    async with Sink() as sink:
        await ask(sink, post(b"x" + "ü".encode() * MAX_RECORDED_BYTES))
        [recorded] = sink.recorded()
        [shown] = await own(sink, b"GET /requests")
    assert (len(recorded.body), recorded.body_bytes) == (MAX_RECORDED_BYTES, 2 * MAX_RECORDED_BYTES + 1)
    assert shown["body"] == "x" + "ü" * (MAX_RECORDED_BYTES // 2 - 1)
    assert shown["bodyBytes"] == recorded.body_bytes


async def test_errors_are_answered_at_their_ratio() -> None:
    """With a seed the same requests fail every time, and about as many as asked for."""
    behaviour = Behaviour(error_ratio=0.25, error_status=429, seed=3)
    counts = []
    async with Sink(behaviour) as sink:
        for _ in range(2):
            reader, writer = await dial(sink)
            writer.write(get() * 400)
            counts.append([(await read(reader)).status for _ in range(400)])
            writer.close()
            assert sink.stats().statuses == {"200": counts[-1].count(200), "429": counts[-1].count(429)}
            sink.reset()
    assert counts[0] == counts[1]
    assert 60 < counts[0].count(429) < 140


async def test_a_stall_holds_responses_until_it_is_over() -> None:
    """During the stall requests are read and counted and not answered; afterwards all are."""
    async with Sink(Behaviour(stall_for_ns=300_000_000)) as sink:
        pairs = [await dial(sink) for _ in range(3)]
        for _, writer in pairs:
            writer.write(get())
        await sink.until(3)
        during = await own(sink, b"GET /stats")
        answers = [await read(reader) for reader, _ in pairs]
        after = sink.stats()
        for _, writer in pairs:
            writer.close()
        assert (await ask(sink, get())).status == 200
    assert (during["held"], during["responses"]) == (3, 0)
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert (after.held, after.responses) == (0, 3)


def test_the_stall_is_counted_from_the_first_request() -> None:
    """What is due in the stall is due at its end; what is due before or after it is not touched."""
    shared = Shared(Behaviour(stall_at_ns=2_000_000_000, stall_for_ns=1_000_000_000), 0)
    assert (shared.due(7.0), shared.stalls(7.0)) == (7.0, True), "the stall may begin with the first request"
    shared.tally.begin(10.0, 1)
    instants = (10.0, 11.9, 12.0, 12.5, 13.0, 14.0)
    assert [shared.due(now) for now in instants] == [10.0, 11.9, 13.0, 13.0, 13.0, 14.0]
    assert [shared.stalls(now) for now in instants] == [False, False, True, True, False, False]
    shared.reset()
    shared.tally.begin(20.0, 1)
    assert shared.due(12.5) == 12.5
    assert shared.due(22.5) == 23.0


def test_a_delay_that_ends_in_the_stall_ends_with_it() -> None:
    """Latency and stall together behave as a server would that stops."""
    behaviour = Behaviour(latency=parse_delay("500ms"), stall_at_ns=2_000_000_000, stall_for_ns=1_000_000_000)
    shared = Shared(behaviour, 0)
    shared.tally.begin(10.0, 1)
    assert [shared.due(now) for now in (11.0, 11.75, 12.75)] == [11.5, 13.0, 13.25]


@pytest.mark.parametrize("abruptly", [False, True])
async def test_a_connection_is_closed_after_so_many_responses(abruptly: bool) -> None:
    """The last response announces it, unless it is to come as a surprise."""
    async with Sink(Behaviour(close_after=2, close_abruptly=abruptly)) as sink:
        reader, writer = await dial(sink)
        writer.write(get() * 2)
        answers = [await read(reader) for _ in range(2)]
        assert await reader.read() == b""
        writer.close()
        assert sink.stats().requests == 2
    assert [answer.headers.get("connection") for answer in answers] == [None, None if abruptly else "close"]


async def test_requests_can_be_answered_by_closing() -> None:
    """With a ratio of 1 no request gets a response; each is counted as dropped."""
    async with Sink(Behaviour(close_ratio=1.0)) as sink:
        reader, writer = await dial(sink)
        writer.write(get())
        assert await reader.read() == b""
        writer.close()
        stats = sink.stats()
    assert (stats.requests, stats.responses, stats.dropped, stats.held) == (1, 0, 1, 0)


async def test_a_body_has_the_size_asked_for() -> None:
    """Also none at all."""
    for size in (0, 1, 100_000):
        async with Sink(Behaviour(body_bytes=size)) as sink:
            assert len((await ask(sink, get())).body) == size


async def test_the_sink_speaks_tls() -> None:
    """With a certificate it answers https, with everything else as without."""
    authority = trustme.CA()
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)
    async with Sink(Behaviour(latency=parse_delay("1ms")), tls=server) as sink:
        assert sink.url.startswith("https://127.0.0.1:")
        reader, writer = await asyncio.open_connection("127.0.0.1", sink.port, ssl=client, server_hostname="localhost")
        writer.write(get("/a") + get("/b", "Connection: close"))
        assert [(await read(reader)).status for _ in range(2)] == [200, 200]
        assert await reader.read() == b""
        writer.close()
        assert sink.stats().paths == {"/a": 1, "/b": 1}


async def test_a_name_and_an_ipv6_address_can_be_listened_on() -> None:
    """The URL is one that can be attacked."""
    async with Sink(host="localhost") as sink:
        assert sink.url == f"http://localhost:{sink.port}"
    async with Sink(host="::1") as sink:
        assert sink.url == f"http://[::1]:{sink.port}"


async def test_a_busy_port_is_an_error_of_the_caller() -> None:
    """Two sinks cannot share a port."""
    async with Sink() as sink:
        with pytest.raises(OSError, match=r"in use"):
            await Sink(port=sink.port).start()


def test_the_tally_is_bounded() -> None:
    """However many paths and however long it runs, the memory stays the same; no request is forgotten."""
    tally = Tally(0)
    tally.begin(0.0, 1)
    for number in range(MAX_PATHS + 5):
        tally.count(b"/%d" % number)
    tally.count(b"/" + b"x" * 10_000)
    tally.note(3, MAX_SECONDS - 1, 2)
    tally.note(4, MAX_SECONDS, 3)
    stats = tally.stats(0)
    assert stats.requests == MAX_PATHS + 6
    assert len(stats.paths) == MAX_PATHS + 1
    assert stats.paths["other"] == 6
    assert len(stats.per_second) == MAX_SECONDS
    assert stats.per_second[-1] == 3


def test_long_paths_are_cut() -> None:
    """A path takes a bounded room."""
    tally = Tally(0)
    tally.count(b"/" + b"x" * 10_000 + b"?query")
    assert list(tally.stats(0).paths) == ["/" + "x" * (MAX_PATH_BYTES - 1)]


@pytest.mark.parametrize(
    "settings",
    [
        {"error_ratio": 1.1},
        {"close_ratio": -0.1},
        {"error_ratio": float("nan")},
        {"error_status": 200},
        {"stall_at_ns": -1},
        {"stall_for_ns": 10**18},
        {"close_after": -1},
        {"body_bytes": 10**9},
    ],
)
def test_a_behaviour_out_of_range_is_refused(settings: dict[str, float]) -> None:
    """The sink does not start with settings it cannot follow."""
    with pytest.raises(InvalidBehaviour):
        Behaviour(**settings)  # type: ignore[arg-type]  # a table of values that are wrong one by one
