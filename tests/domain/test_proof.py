"""What is proven of a command before anything starts."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from load_tester.domain.attack import SEEDED_EPOCH_NS
from load_tester.domain.command import Command, InvalidCommand
from load_tester.domain.duration import SECOND
from load_tester.domain.files import CarriedFiles, FileUnavailable
from load_tester.domain.kafka import KafkaTarget
from load_tester.domain.pacer import ConstantPacer, Pacing, TracePacer
from load_tester.domain.project import ListedProjects, MadeUpProjects, Project
from load_tester.domain.proof import prove
from load_tester.domain.request import Record, Request, Targeter
from load_tester.domain.test_type import BuildContext, InvalidParams, Registry, TestType


class EchoParams(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Parameters of a test type for these tests."""

    num_projects: int = 1
    trouble: str = ""
    file: str = ""


def _request(params: EchoParams, context: BuildContext) -> Callable[[int, int], Any]:
    def request(seq: int, now_ns: int) -> Any:
        if params.trouble == "request":
            raise RuntimeError("the generator is broken")
        if params.trouble == "exit":
            raise SystemExit(3)
        made = f"/{seq}/{now_ns}/{context.random.random()}"
        return made if params.trouble == "type" else Request("GET", made.lstrip("/" * (params.trouble == "path")))

    return request


def _build(params: EchoParams, context: BuildContext) -> Targeter:
    context.projects.check(params.num_projects)
    if params.trouble == "build":
        raise InvalidParams("no such thing", ".trouble")
    if params.file:
        try:
            context.files.read(params.file)
        except FileUnavailable as error:
            raise InvalidParams(str(error), ".file") from error
    return Targeter(_request(params, context))


def _schedule(_params: EchoParams, _context: BuildContext) -> Pacing:
    return TracePacer.of([2, 5])


ECHO = TestType(name="echo", summary="Says what it was asked.", params=EchoParams, build=_build)
RECORDS = TestType(
    name="records",
    summary="Sends records, or what it is told to.",
    params=EchoParams,
    build=lambda params, _: Targeter(lambda _seq, _now: Record(params.trouble, b"value")),
    transport="kafka",
    kafka=lambda params: KafkaTarget(brokers=("kafka:9092",), topics=(params.trouble,)),
    most_workers=lambda params, context: params.num_projects if context.target_url else None,
)
TRACE = TestType(name="trace", summary="Has a schedule.", params=EchoParams, build=_build, schedule=_schedule)
REGISTRY = Registry([ECHO, RECORDS, TRACE])


def command(test_type: str = "echo", num_messages: int = 100, **members: Any) -> Command:
    """A command as it has been decoded."""
    return Command(test_type=test_type, duration_ns=SECOND, num_messages=num_messages, **members)


def test_a_first_request_is_made_as_proof() -> None:
    """The proof is hit 0 of the attack, with the seed and the instant of the command."""
    seeded = command(seed=3, epoch_ns=SEEDED_EPOCH_NS)
    proof = prove(seeded, REGISTRY, MadeUpProjects(), now_ns=5)
    assert proof == prove(seeded, REGISTRY, MadeUpProjects(), now_ns=6)
    assert isinstance(proof.request, Request)
    assert proof.request.path.startswith(f"/0/{SEEDED_EPOCH_NS}/")
    assert proof.pacer == ConstantPacer(100, SECOND)
    other = prove(command(), REGISTRY, MadeUpProjects(), now_ns=5).request
    assert isinstance(other, Request)
    assert other.path.startswith("/0/5/")


@pytest.mark.parametrize(
    ("test_type", "params", "path", "words"),
    [
        ("echo", {"trouble": "build"}, "$.params.trouble", "no such thing"),
        ("echo", {"trouble": "request"}, "$.params", "cannot make a request: the generator is broken"),
        ("echo", {"trouble": "exit"}, "$.params", "cannot make a request: SystemExit(3)"),
        ("echo", {"trouble": "type"}, "$.testType", "cannot be sent"),
        ("echo", {"trouble": "path"}, "$.testType", "cannot be sent"),
        ("echo", {"numProjects": 2}, "$.params", "lists only 1"),
        ("echo", {"file": "there"}, "$.params", "cannot make a request"),
        ("echo", {"file": "nowhere"}, "$.params.file", "there is no file 'nowhere'"),
        ("records", {"trouble": ""}, "$.testType", "must be a Record with a topic"),
        ("trace", {}, "$.numMessages", "has a schedule of its own, and takes no rate"),
    ],
)
def test_a_command_that_cannot_be_carried_out_is_refused(
    test_type: str, params: dict[str, Any], path: str, words: str
) -> None:
    """A builder or generator that fails with these parameters is found out before anything starts."""
    projects = ListedProjects([Project("1", "k")])
    with pytest.raises(InvalidCommand) as caught:
        prove(command(test_type, params=params), REGISTRY, projects, 0, _Files())
    assert caught.value.path == path
    assert words in caught.value.message


class _Files(CarriedFiles):
    """One file that cannot be read for a reason that no test type knows of."""

    def __init__(self) -> None:
        super().__init__({})

    def read(self, name: str) -> bytes:
        if name == "there":
            raise RuntimeError("the disk is on fire")
        return super().read(name)


def test_what_the_engine_has_to_know_is_part_of_the_proof() -> None:
    """A schedule or a cluster of the test type's own, and how many workers can share the attack."""
    scheduled = prove(command("trace", 0), REGISTRY, MadeUpProjects(), 0)
    assert scheduled.kafka is None
    assert (scheduled.pacer, scheduled.hits, scheduled.span_ns) == (TracePacer.of([2, 5]), 2, 6)
    records = command("records", params={"trouble": "topic", "numProjects": 7})
    proof = prove(records, REGISTRY, MadeUpProjects(), 0, target_url="http://broker")
    assert (proof.request, proof.most_workers) == (Record("topic", b"value"), 7)
    assert proof.kafka == KafkaTarget(brokers=("kafka:9092",), topics=("topic",))
    assert prove(records, REGISTRY, MadeUpProjects(), 0).most_workers is None


@pytest.mark.parametrize(
    ("test_type", "num_messages", "duration_ns", "hits", "span_ns"),
    [
        ("echo", 100, SECOND, 100, SECOND),
        ("echo", 0, SECOND, None, SECOND),
        ("trace", 0, 4, 1, 3),
        ("trace", 0, 5, 1, 3),
        ("trace", 0, 6, 2, 6),
    ],
)
def test_the_number_of_hits_is_known_beforehand(
    test_type: str, num_messages: int, duration_ns: int, hits: int | None, span_ns: int
) -> None:
    """From the rate and the duration; of a schedule, what is due before the duration is over, and until when."""
    asked = msgspec.structs.replace(command(test_type, num_messages), duration_ns=duration_ns)
    proof = prove(asked, REGISTRY, MadeUpProjects(), 0)
    assert (proof.hits, proof.span_ns) == (hits, span_ns)


def test_a_duration_that_is_over_before_the_first_hit_is_refused() -> None:
    """An attack without a hit would measure nothing."""
    asked = msgspec.structs.replace(command("trace", 0), duration_ns=2)
    with pytest.raises(InvalidCommand, match="no hit is due within 2ns: the first one is due after 2ns") as caught:
        prove(asked, REGISTRY, MadeUpProjects(), 0)
    assert caught.value.path == "$.attackDuration"
