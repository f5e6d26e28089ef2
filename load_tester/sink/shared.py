"""What all connections of a sink have in common."""

from random import Random
from typing import Final, Protocol

import msgspec

from load_tester.sink.behaviour import Behaviour
from load_tester.sink.recorded import Recorded, ShownRequest
from load_tester.sink.response import Responses
from load_tester.sink.tally import Stats, Tally

STATS: Final = (b"GET", b"/stats")
RESET: Final = (b"POST", b"/reset")
REQUESTS: Final = (b"GET", b"/requests")
OWN_TARGETS: Final = frozenset({STATS[1], RESET[1], REQUESTS[1]})


class Member(Protocol):
    """A connection, as far as the others are concerned."""

    tally: Tally | None

    def close(self) -> None:
        """Close it now."""


class Shared:
    """Owns the behaviour, the tally, the dice and the list of connections."""

    def __init__(self, behaviour: Behaviour, record_limit: int) -> None:
        self.behaviour = behaviour
        self.responses = Responses(behaviour)
        self.connections: set[Member] = set()
        self.records = record_limit > 0
        self._record_limit = record_limit
        self.reset()

    def reset(self) -> None:
        """Forget all counts, and draw, stall and record as if just started."""
        self.tally = Tally(self._record_limit)
        self.random = Random(self.behaviour.seed)

    def stats(self) -> Stats:
        """The counts so far."""
        return self.tally.stats(sum(connection.tally is self.tally for connection in self.connections))

    def own_answer(self, method: bytes, target: bytes) -> bytes | None:
        """The JSON that answers a request to the sink itself; `None` when it is an ordinary request."""
        match method, target:
            case request if request == STATS:
                return msgspec.json.encode(self.stats()) + b"\n"
            case request if request == RESET:
                self.reset()
                return b'{"status":"ok"}\n'
            case request if request == REQUESTS:
                return msgspec.json.encode([ShownRequest.of(one) for one in self.recorded()]) + b"\n"
        return None

    def recorded(self) -> tuple[Recorded, ...]:
        """The last requests, oldest first."""
        return tuple(map(Recorded.of, self.tally.recorded))

    def stalls(self, now: float) -> bool:
        """Whether `now`, on the loop's clock, may be in the stall; before the first request nobody knows."""
        if not self.behaviour.stall_for_ns:
            return False
        return self.tally.started is None or self._stall_end(now) > now

    def due(self, now: float) -> float:
        """When to answer a request that is complete at `now`, on the loop's clock."""
        behaviour = self.behaviour
        due = now + behaviour.latency.sample(self.random) if behaviour.latency else now
        return self._stall_end(due) if behaviour.stall_for_ns else due

    def _stall_end(self, due: float) -> float:
        """The end of the stall if `due` is in it, else `due`."""
        if self.tally.started is not None:
            begin = self.tally.started + self.behaviour.stall_at_ns / 1e9
            end = begin + self.behaviour.stall_for_ns / 1e9
            if begin <= due < end:
                return end
        return due
