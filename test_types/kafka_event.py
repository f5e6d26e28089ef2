"""Test type `kafkaEvent`: Sentry error events as its consumers take them from Kafka, and the outcomes that follow."""

from collections.abc import Callable
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from load_tester.domain.duration import SECOND
from load_tester.domain.kafka import KafkaTarget
from load_tester.domain.request import Record, Targeter
from load_tester.domain.test_type import BuildContext, TestType
from test_types.event_shape import EventShape, check_event, event_writer
from test_types.generation import uuid4_pair
from test_types.kafka import (
    AT_ONCE,
    EVENTS,
    LOCAL,
    OUTCOMES,
    UNAVAILABLE,
    WHERE_RECORDS_GO,
    Acknowledged,
    Brokers,
    Compressed,
    Lingering,
    OverTls,
    Topic,
    check_cluster,
    cluster,
    project_ids,
)
from test_types.kafka_outcome import ACCEPTED, outcome_writer, verdicts

TARGETS: Final = ("event", "outcome")
EVENT, OUTCOME = range(2)


class KafkaEventParams(EventShape, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Events, and where they and their outcomes go."""

    brokers: Brokers = LOCAL
    topic: Annotated[Topic, Meta(description="The topic of the events; it has to exist.")] = EVENTS
    send_outcome: Annotated[
        bool, Meta(description="Whether the hit after an event is its outcome, `accepted`: then half of the hits are.")
    ] = True
    outcomes_topic: Annotated[
        Topic, Meta(description="The topic of the outcomes; it has to exist if outcomes are sent.")
    ] = OUTCOMES
    acks: Acknowledged = "all"
    compression: Compressed = "none"
    linger: Lingering = AT_ONCE
    tls: OverTls = False


def _check(params: KafkaEventParams) -> None:
    check_event(params)
    check_cluster(params, topic=params.topic, outcomesTopic=params.outcomes_topic)


def _cluster(params: KafkaEventParams) -> KafkaTarget:
    return cluster(params, params.topic, *([params.outcomes_topic] if params.send_outcome else []))


def _build(params: KafkaEventParams, context: BuildContext) -> Targeter:
    num_projects = params.num_projects or 1
    project_id = project_ids(num_projects, context)
    draw, bits = context.random.random, context.random.getrandbits
    write_event, encode = event_writer(params, context.random), msgspec.msgpack.Encoder().encode
    topic = params.topic

    def fresh() -> tuple[str, int]:
        """The id of an event, and the index of its project."""
        event_id, _ = uuid4_pair(bits(256))
        return event_id, int(draw() * num_projects)

    def event(event_id: str, index: int, now_ns: int) -> Record:
        project = project_id(index)
        message = {
            "type": "event",
            "payload": write_event(f'"event_id":"{event_id}","project":{project},', now_ns),
            "start_time": now_ns / SECOND,
            "event_id": event_id,
            "project_id": project,
            "attachments": (),
        }
        return Record(topic, encode(message), bytes.fromhex(event_id), target=EVENT)

    if not params.send_outcome:
        return Targeter(lambda _seq, now_ns: event(*fresh(), now_ns))
    write_outcome, (accepted,) = outcome_writer(project_id), verdicts(ACCEPTED)
    outcomes_topic = params.outcomes_topic

    def outcome(event_id: str, index: int, now_ns: int) -> Record:
        return Record(outcomes_topic, write_outcome(index, accepted, event_id, now_ns), target=OUTCOME)

    return Targeter(_in_turn(fresh, event, outcome, context), targets=TARGETS)


def _in_turn(
    fresh: Callable[[], tuple[str, int]],
    event: Callable[[str, int, int], Record],
    outcome: Callable[[str, int, int], Record],
    context: BuildContext,
) -> Callable[[int, int], Record]:
    """Of the hits of a worker make every other one an event, and the one behind it the outcome of that event.

    The hit of an event may have been given up before its record was made; then nobody has seen the event.
    """
    first, step = context.share.first, context.share.step
    last_seq, last = first - step, ("", 0)

    def record(seq: int, now_ns: int) -> Record:
        nonlocal last_seq, last
        if (seq - first) // step % 2:
            return outcome(*(last if seq == last_seq + step else fresh()), now_ns)
        last_seq, last = seq, fresh()
        return event(*last, now_ns)

    return record


DESCRIPTION: Final = f"""\
{WHERE_RECORDS_GO}
With `sendOutcome` the hits of each worker are in turn an event and the outcome of that event, so that 1000 hits per
second are 500 events and 500 outcomes, all of them on schedule, and the figures of the two are kept apart (`targets`:
`event`, `outcome`). An outcome is sent whatever becomes of its event.

The value of an event is MessagePack: a map of

| field | value |
|---|---|
| `type` | `event` |
| `payload` | the event as a JSON text |
| `start_time` | now; Unix seconds, a 64-bit float |
| `event_id` | a random UUID (version 4) without dashes |
| `project_id` | a number |
| `attachments` | an empty list |

The payload is that of [`event`](#event), with the same `event_id`, and `project` with the number of the project. The
key of the record are the 16 bytes of the event's id, as Relay has it, so that events are spread over all partitions.

The outcome is that of `kafkaOutcome`, `accepted`, without a reason and an organization.
"""

KAFKA_EVENT: Final = TestType(
    name="kafkaEvent",
    summary="Sentry error events with their outcomes, as records of Kafka topics.",
    description=DESCRIPTION,
    params=KafkaEventParams,
    build=_build,
    check=_check,
    transport="kafka",
    kafka=_cluster,
    hits_per_worker=10_000,
    unavailable=UNAVAILABLE,
)
