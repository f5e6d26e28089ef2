"""What is told of a cluster, and when it is looked at."""

import asyncio
import queue

import pytest

from load_tester.domain.metrics import ErrorKind
from load_tester.engine.contact import ALL_GONE, Contact, Trouble, trouble_of

pytestmark = pytest.mark.anyio

LIMIT_S = 30
GONE = "1/1 brokers are down"
REFUSED = Trouble(ErrorKind.REFUSED, "a:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused")
MISSING = Trouble(ErrorKind.REJECTED, "topic 't': unknown")


class Scene:
    """A contact whose looks find what the test says, and what it tells."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[Trouble | None] = asyncio.Queue()
        self.looks: asyncio.Queue[None] = asyncio.Queue()
        self._finds: queue.Queue[Trouble | None] = queue.Queue()
        self._loop = asyncio.get_running_loop()
        self.contact = Contact(self._probe, self, self._loop, retry_s=0)

    def up(self) -> None:
        """See `Listener`."""
        self.told.put_nowait(None)

    def down(self, kind: ErrorKind, message: str) -> None:
        """See `Listener`."""
        self.told.put_nowait(Trouble(kind, message))

    async def looked(self) -> None:
        """Wait until a look has begun."""
        async with asyncio.timeout(LIMIT_S):
            await self.looks.get()

    async def finds(self, trouble: Trouble | None) -> None:
        """Wait until a look has begun, and end it."""
        await self.looked()
        self._finds.put(trouble)

    def end_look(self, trouble: Trouble | None) -> None:
        """End a look that has begun."""
        self._finds.put(trouble)

    async def next(self) -> Trouble | None:
        """What is told next; `None`: the cluster can be reached."""
        async with asyncio.timeout(LIMIT_S):
            return await self.told.get()

    def _probe(self) -> Trouble | None:
        self._loop.call_soon_threadsafe(self.looks.put_nowait, None)
        return self._finds.get(timeout=LIMIT_S)


async def test_it_looks_at_once_and_tells_what_it_finds() -> None:
    """A cluster in order is told once, and not looked at again."""
    it = Scene()
    await it.finds(None)
    assert await it.next() is None
    it.contact.close()
    assert it.looks.empty()


async def test_what_is_missing_is_told_at_every_look_until_it_is_there() -> None:
    """A topic that does not exist may still be made."""
    it = Scene()
    for found in (MISSING, MISSING, None):
        await it.finds(found)
        assert await it.next() == found
    it.contact.close()


async def test_when_all_brokers_are_gone_that_is_told_with_the_reason_and_it_looks_again() -> None:
    """The reason often comes later than the loss; then it is told again."""
    it = Scene()
    await it.finds(None)
    assert await it.next() is None
    it.contact.heard(ALL_GONE, GONE)
    assert await it.next() == Trouble(ErrorKind.CONNECT, GONE)
    it.contact.heard("_TRANSPORT", f"{REFUSED.message} (after 0ms in state CONNECT)")
    assert await it.next() == REFUSED
    await it.finds(None)
    assert await it.next() is None
    it.contact.close()


async def test_a_reason_that_came_before_is_the_reason() -> None:
    """At the start the first broker's refusal comes before the word that all are gone."""
    it = Scene()
    it.contact.heard("_TRANSPORT", REFUSED.message)
    assert it.told.empty()
    it.contact.heard(ALL_GONE, GONE)
    assert await it.next() == REFUSED
    await it.finds(Trouble(ErrorKind.CONNECT, "no broker answered within 1 s"))
    await it.looked()
    it.end_look(Trouble(ErrorKind.CONNECT, "no broker answered within 1 s"))
    assert await it.next() == REFUSED, "that nobody answered says less"
    it.contact.close()


async def test_what_a_single_broker_does_is_not_told() -> None:
    """The others may do."""
    it = Scene()
    await it.finds(None)
    assert await it.next() is None
    it.contact.heard("_TRANSPORT", REFUSED.message)
    assert it.told.empty()
    it.contact.close()


async def test_a_look_that_began_before_the_loss_counts_for_nothing() -> None:
    """What it found may have been gone since; another look is made."""
    it = Scene()
    await it.looked()
    it.contact.heard(ALL_GONE, GONE)
    assert await it.next() == Trouble(ErrorKind.CONNECT, GONE)
    it.end_look(None)
    await it.looked()
    assert it.told.empty()
    it.end_look(None)
    assert await it.next() is None
    it.contact.close()


async def test_nothing_is_told_after_it_was_closed() -> None:
    """A look that has begun ends without a word."""
    it = Scene()
    await it.looked()
    it.contact.close()
    it.contact.heard(ALL_GONE, GONE)
    it.end_look(None)
    assert it.told.empty()


@pytest.mark.parametrize(
    ("name", "text", "trouble"),
    [
        (
            "_TRANSPORT",
            "b:1/1: Connect to ipv4#[::]:1 failed: Connection refused (after 0ms in state CONNECT, 1 identical ones)",
            (ErrorKind.REFUSED, "b:1/1: Connect to ipv4#[::]:1 failed: Connection refused"),
        ),
        (
            "_TRANSPORT",
            "b:1/1: Disconnected (after 500ms in state UP)",
            (ErrorKind.CONNECT, "b:1/1: Disconnected"),
        ),
        (
            "_RESOLVE",
            "b:1/bootstrap: Failed to resolve 'b:1': Name or service not known (after 1ms in state CONNECT)",
            (ErrorKind.RESOLVE, "b:1/bootstrap: Failed to resolve 'b:1': Name or service not known"),
        ),
        (
            "_SSL",
            "ssl://b:1/bootstrap: SSL handshake failed (after 3ms in state SSL_HANDSHAKE)",
            (ErrorKind.TLS, "ssl://b:1/bootstrap: SSL handshake failed"),
        ),
        (
            "_BAD_MSG",
            "b:1/bootstrap: Receive failed: Invalid response size 1213486160",
            (
                ErrorKind.CONNECT,
                "b:1/bootstrap: Receive failed: Invalid response size 1213486160 (is it a Kafka broker?)",
            ),
        ),
        ("_ALL_BROKERS_DOWN", "3/3 brokers are down", (ErrorKind.CONNECT, "3/3 brokers are down")),
    ],
)
def test_errors_of_librdkafka_become_ours(name: str, text: str, trouble: tuple[ErrorKind, str]) -> None:
    """The kind is that of HTTP, and what only librdkafka's makers want to know is left out."""
    assert trouble_of(name, text) == trouble
