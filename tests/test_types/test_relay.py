"""A virtual Relay's memory, beside a plain model of it."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from test_types.relay import Relay

INTERVAL_NS = 10
PROJECTS = 6


@dataclass
class Model:
    """The same memory, written for reading: lists in the order in which things came."""

    pending: list[int] = field(default_factory=list)
    cached: dict[int, int] = field(default_factory=dict)

    def batch(self, size: int, start: int, now_ns: int) -> list[int]:
        """See `Relay.batch`."""
        self.cached = {project: at for project, at in self.cached.items() if now_ns - at < INTERVAL_NS}
        around = [(start + step) % PROJECTS for step in range(PROJECTS)]
        unknown = [project for project in around if project not in self.pending and project not in self.cached]
        chosen = (self.pending + unknown)[:size] or list(self.cached)[:size]
        for project in chosen:
            self.forget(project)
        return chosen

    def answer(self, pending: list[int], cached: list[int], now_ns: int) -> None:
        """See `Relay.answer`."""
        for project in cached:
            self.forget(project)
            self.cached[project] = now_ns
        for project in pending:
            self.cached.pop(project, None)
            if project not in self.pending:
                self.pending.append(project)

    def forget(self, project: int) -> None:
        """Neither pending nor cached."""
        self.cached.pop(project, None)
        if project in self.pending:
            self.pending.remove(project)


some_projects = st.lists(st.integers(0, PROJECTS - 1), unique=True, max_size=PROJECTS)
steps = st.tuples(
    st.integers(0, 8), st.integers(1, PROJECTS + 2), st.integers(0, PROJECTS - 1), some_projects, some_projects
)


@given(st.lists(steps, max_size=30))
def test_a_relay_asks_for_what_its_model_asks_for(history: list[tuple[int, int, int, list[int], list[int]]]) -> None:
    """Whatever is answered and however time goes: the model's batches, never empty, never with doubles."""
    relay, model, now_ns = Relay(PROJECTS, INTERVAL_NS), Model(), 0
    for wait_ns, size, start, pending, cached in history:
        now_ns += wait_ns
        batch = relay.batch(size, start, now_ns)
        assert batch == model.batch(size, start, now_ns)
        assert 1 <= len(batch) <= size
        assert len(set(batch)) == len(batch)
        for memory in (relay, model):
            memory.answer(pending, cached, now_ns)


def test_all_that_is_pending_is_asked_for_before_anything_else() -> None:
    """And in the order in which Sentry said so."""
    relay = Relay(5, INTERVAL_NS)
    relay.answer([3, 1], [], 0)
    assert relay.batch(3, 0, 1) == [3, 1, 0]


def test_a_config_is_asked_for_again_when_its_time_is_over() -> None:
    """Not a nanosecond earlier, as long as there is something else to ask for."""
    relay = Relay(2, INTERVAL_NS)
    relay.answer([], [0], 0)
    assert relay.batch(2, 0, INTERVAL_NS - 1) == [1]
    assert relay.batch(2, 0, INTERVAL_NS) == [0, 1]


def test_with_nothing_to_ask_for_the_oldest_config_is_asked_for_again() -> None:
    """A hit is due, and a Relay sends no empty request."""
    relay = Relay(3, INTERVAL_NS)
    relay.answer([], [2, 0, 1], 0)
    assert relay.batch(2, 0, 1) == [2, 0]


def test_what_was_asked_for_without_an_answer_can_be_asked_for_again() -> None:
    """A request that failed leaves no project waiting for ever."""
    relay = Relay(2, INTERVAL_NS)
    relay.answer([0, 1], [], 0)
    assert relay.batch(2, 0, 1) == relay.batch(2, 0, 2) == [0, 1]
