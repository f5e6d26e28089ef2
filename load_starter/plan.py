"""What a script comes to: the steps of a plan, complete before any of them is run."""

from dataclasses import dataclass, field
from typing import Any, Final

from load_tester.domain.duration import SECOND, Duration

EXTERNAL_ESTIMATE: Final = Duration(10 * SECOND)
"""What an external command is taken to last in estimates, as nobody can know."""


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a script; `line` counts from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackTest:
    """A test that a load tester runs: `add_vegeta_test`.

    `url` is that of the load tester, without a slash at its end. `num_messages` hits are sent per `per`; 0 means as
    fast as the target answers. `timeout`, `max_connections`, `seed` and `payload_time` are
    `None` when the load tester is to choose.
    """

    place: Place
    url: str
    duration: Duration
    test_type: str
    num_messages: int
    per: Duration
    params: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    description: str = ""
    labels: tuple[tuple[str, ...], ...] = ()
    timeout: Duration | None = None
    max_connections: int | None = None
    seed: int | None = None
    payload_time: str | None = None
    produce_report: bool = True

    @property
    def title(self) -> str:
        """What the test is called in tables and messages."""
        return self.name or self.test_type

    @property
    def estimate(self) -> Duration:
        """How long the step will take."""
        return self.duration

    def command(self) -> dict[str, Any]:
        """The JSON of `POST /command`; what is empty or left open is left out."""
        wire: dict[str, Any] = {}
        if self.name:
            wire["name"] = self.name
        if self.description:
            wire["description"] = self.description
        wire |= {
            "testType": self.test_type,
            "attackDuration": str(self.duration),
            "numMessages": self.num_messages,
            "per": str(self.per),
            "params": self.params,
        }
        if self.labels:
            wire["labels"] = [list(label) for label in self.labels]
        if self.timeout is not None:
            wire["timeout"] = str(self.timeout)
        if self.max_connections is not None:
            wire["maxConnections"] = self.max_connections
        if self.seed is not None:
            wire["seed"] = self.seed
        if self.payload_time is not None:
            wire["payloadTime"] = self.payload_time
        return wire


@dataclass(frozen=True, slots=True, kw_only=True)
class LocustTest:
    """A test for a Locust server: `add_locust_test`. It can be planned, but not run yet."""

    place: Place
    duration: Duration
    users: int
    name: str = ""

    @property
    def title(self) -> str:
        """What the test is called in tables and messages."""
        return self.name or "locust"

    @property
    def estimate(self) -> Duration:
        """How long the step will take."""
        return self.duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Sleep:
    """A pause: `add_sleep`."""

    place: Place
    duration: Duration

    @property
    def title(self) -> str:
        """What the step is called in tables and messages."""
        return f"sleep {self.duration}"

    @property
    def estimate(self) -> Duration:
        """How long the step will take."""
        return self.duration


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalCommand:
    """A program to be run, without a shell: `add_run_external`. `argv` has at least one member."""

    place: Place
    argv: tuple[str, ...]

    @property
    def title(self) -> str:
        """What the step is called in tables and messages."""
        return " ".join(self.argv)

    @property
    def estimate(self) -> Duration:
        """How long the step will take, as far as one can tell."""
        return EXTERNAL_ESTIMATE


Step = AttackTest | LocustTest | Sleep | ExternalCommand


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of a script in the order in which they run, one after the other."""

    steps: tuple[Step, ...] = ()

    @property
    def unsupported(self) -> tuple[LocustTest, ...]:
        """The steps that cannot be run; a plan that has any is not started."""
        return tuple(step for step in self.steps if isinstance(step, LocustTest))

    def starts(self) -> tuple[Duration, ...]:
        """The estimated start of every step, from the start of the plan."""
        offsets = []
        total_ns = 0
        for step in self.steps:
            offsets.append(Duration(total_ns))
            total_ns += step.estimate.ns
        return tuple(offsets)

    def estimate(self) -> Duration:
        """How long the whole plan will take."""
        return Duration(sum(step.estimate.ns for step in self.steps))

    def as_json(self) -> dict[str, Any]:
        """The whole plan in JSON's terms, with the time at which each step is to start: what `--dry-run` prints."""
        steps = [
            {"at": str(at), "place": str(step.place)} | _described(step)
            for at, step in zip(self.starts(), self.steps, strict=True)
        ]
        return {"steps": steps, "total": str(self.estimate())}


def _described(step: Step) -> dict[str, Any]:
    match step:
        case AttackTest():
            return {"step": "attack", "post": f"{step.url}/command/", "command": step.command()}
        case LocustTest():
            return {"step": "locust", "unsupported": True, "duration": str(step.duration), "users": step.users}
        case Sleep():
            return {"step": "sleep", "duration": str(step.duration)}
        case ExternalCommand():
            return {"step": "external", "argv": list(step.argv)}
