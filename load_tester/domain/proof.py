"""The proof that a command can be carried out: its attack is built and its first request is made, before it starts."""

from random import Random
from typing import Any, Final

import msgspec

from load_tester.domain.command import Command, InvalidCommand
from load_tester.domain.duration import format_ns
from load_tester.domain.files import NO_FILES, Files
from load_tester.domain.kafka import KafkaTarget
from load_tester.domain.pacer import Pacing
from load_tester.domain.project import ProjectProvider
from load_tester.domain.request import Record, Request, Sendable
from load_tester.domain.test_type import BuildContext, InvalidParams, Registry, TestType, Transport


class Proof(msgspec.Struct, frozen=True):
    """What came of it.

    Attributes:
        request: the first one.
        pacer: the schedule; `None` if the rate is unlimited.
        most_workers: how many workers can share the attack, if there is a limit.
        hits: how many hits the schedule has within the command's duration; `None` if the rate is unlimited.
        span_ns: within which hits are due: the command's duration, or up to the end of a schedule that ends before.
        kafka: the cluster that is attacked; `None` if it is the target URL.
    """

    request: Sendable
    pacer: Pacing | None
    most_workers: int | None
    hits: int | None
    span_ns: int
    kafka: KafkaTarget | None


def prove(
    command: Command,
    registry: Registry,
    projects: ProjectProvider,
    now_ns: int,
    files: Files = NO_FILES,
    target_url: str = "",
) -> Proof:
    """Build the attack's targeter and make request 0.

    `now_ns` is Unix time, used unless the command fixes what counts as now; `target_url` is what will be attacked.

    Raises:
        InvalidCommand: the builder or the generator refused the parameters, raised, or made something else.
    """
    test_type = registry[command.test_type]
    if test_type.schedule is not None and command.num_messages:
        raise InvalidCommand(
            f"test type {test_type.name!r} has a schedule of its own, and takes no rate", "$.numMessages"
        )
    context = BuildContext(Random(command.seed or 0), projects, files=files, target_url=target_url)
    try:
        return _proof(command, test_type, context, now_ns if command.epoch_ns is None else command.epoch_ns)
    except InvalidParams as error:
        raise InvalidCommand(error.message, f"$.params{error.path}") from error
    except InvalidCommand:
        raise
    except BaseException as error:
        # Test types come from anywhere: whatever they raise, SystemExit too, is an answer to this command, and not the
        # daemon's end.
        reason = str(error) if isinstance(error, Exception) and str(error) else repr(error)
        raise InvalidCommand(f"test type {test_type.name!r} cannot make a request: {reason}", "$.params") from error


def _proof(command: Command, test_type: TestType[Any], context: BuildContext, now_ns: int) -> Proof:
    params = test_type.decode(command.params)
    request: object = test_type.build(params, context).request(0, now_ns)
    wanted = _CAN_BE_SENT[test_type.transport](request)
    if wanted:
        made = f"test type {test_type.name!r} made something that cannot be sent: {request!r:.200}"
        raise InvalidCommand(f"{made}; it must be {wanted}", "$.testType")
    assert isinstance(request, Request | Record), "that was looked at"
    kafka = None if test_type.kafka is None else test_type.kafka(params)
    most_workers = None if test_type.most_workers is None else test_type.most_workers(params, context)
    if test_type.schedule is None:
        hits = None if command.pacer is None else command.pacer.hits(command.duration_ns)
        return Proof(request, command.pacer, most_workers, hits, command.duration_ns, kafka)
    pacer = test_type.schedule(params, context)
    hits = pacer.hits(command.duration_ns)
    if not hits:
        after = f"the first one is due after {format_ns(pacer.due(0))}"
        raise InvalidCommand(f"no hit is due within {format_ns(command.duration_ns)}: {after}", "$.attackDuration")
    return Proof(request, pacer, most_workers, hits, min(command.duration_ns, pacer.due(hits - 1) + 1), kafka)


def _no_request(request: object) -> str:
    if isinstance(request, Request) and request.path.startswith("/") and isinstance(request.body, bytes):
        return ""
    return "a Request with a path from / and a body of bytes"


def _no_record(record: object) -> str:
    if isinstance(record, Record) and record.topic and isinstance(record.value, bytes):
        return ""
    return "a Record with a topic and a value of bytes"


_CAN_BE_SENT: Final[dict[Transport, Any]] = {"http": _no_request, "kafka": _no_record}
