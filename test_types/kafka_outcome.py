"""Test type `kafkaOutcome`: Sentry's outcomes, which say what became of an event, as records of a Kafka topic."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from load_tester.domain.duration import MICROSECOND
from load_tester.domain.kafka import KafkaTarget
from load_tester.domain.request import Record, Targeter
from load_tester.domain.test_type import BuildContext, TestType
from test_types.generation import json_text, rfc3339_us, uuid4_pair, weighted
from test_types.kafka import (
    AT_ONCE,
    LOCAL,
    OUTCOMES,
    REMEMBERED_PROJECTS,
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
from test_types.params import Count, Texts, Weight

ACCEPTED, FILTERED, RATE_LIMITED, INVALID, ABUSE = range(5)
"""What can become of an event, as consumers know it."""


class KafkaOutcomeParams(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What outcomes say, and where they go. When no weight is above 0, every outcome is `accepted`."""

    brokers: Brokers = LOCAL
    topic: Annotated[Topic, Meta(description="The topic; it has to exist.")] = OUTCOMES
    acks: Acknowledged = "all"
    compression: Compressed = "none"
    linger: Lingering = AT_ONCE
    tls: OverTls = False
    num_projects: Annotated[Count, Meta(description="Projects the outcomes are spread over; 0 stands for 1.")] = 1
    num_organizations: Annotated[
        Count,
        Meta(
            description="Organizations `1`, `2` …, which the projects belong to in turn; with 0 there is no `org_id`."
        ),
    ] = 0
    accepted_weight: Annotated[
        Weight, Meta(description="How often the outcome is `accepted`, against the other weights.")
    ] = 0
    filtered_weight: Annotated[Weight, Meta(description="How often the outcome is `filtered`.")] = 0
    rate_limited_weight: Annotated[Weight, Meta(description="How often the outcome is `rate_limited`.")] = 0
    invalid_weight: Annotated[Weight, Meta(description="How often the outcome is `invalid`.")] = 0
    abuse_weight: Annotated[Weight, Meta(description="How often the outcome is `abuse`.")] = 0
    filtered_reasons: Annotated[Texts, Meta(description="Reasons for `filtered`; with none there is no `reason`.")] = (
        "filtered",
    )
    rate_limited_reasons: Annotated[
        Texts, Meta(description="Reasons for `rate_limited`; with none there is no `reason`.")
    ] = ("limit reached",)
    invalid_reasons: Annotated[Texts, Meta(description="Reasons for `invalid`; with none there is no `reason`.")] = (
        "bad event",
    )
    abuse_reasons: Annotated[Texts, Meta(description="Reasons for `abuse`; with none there is no `reason`.")] = (
        "abuse",
    )


OutcomeWriter = Callable[[int, str, str, int], bytes]
"""`(project_index, verdict, event_id, now_ns)` → an outcome; the verdict is one of `verdicts`."""


def verdicts(outcome: int, reasons: Iterable[str] = ()) -> tuple[str, ...]:
    """The members that tell of an outcome: as JSON with a comma before each, once for each reason that it can have."""
    stated = [f',"reason":{json_text(reason)}' for reason in reasons] or [""]
    return tuple(f',"outcome":{outcome}{reason}' for reason in stated)


def outcome_writer(project_id: Callable[[int], int], num_organizations: int = 0) -> OutcomeWriter:
    """What writes outcomes of events of the projects."""

    @lru_cache(maxsize=REMEMBERED_PROJECTS)
    def opening(index: int) -> str:
        organization = f',"org_id":{index % num_organizations + 1}' if num_organizations else ""
        return f'{{"project_id":{project_id(index)}{organization},"timestamp":"'

    return lambda index, verdict, event_id, now_ns: (
        f'{opening(index)}{rfc3339_us(now_ns // MICROSECOND)}"{verdict},"event_id":"{event_id}"}}'.encode()
    )


def _check(params: KafkaOutcomeParams) -> None:
    check_cluster(params, topic=params.topic)


def _cluster(params: KafkaOutcomeParams) -> KafkaTarget:
    return cluster(params, params.topic)


def _build(params: KafkaOutcomeParams, context: BuildContext) -> Targeter:
    num_projects = params.num_projects or 1
    write = outcome_writer(project_ids(num_projects, context), params.num_organizations)
    draw, bits = context.random.random, context.random.getrandbits
    choose = weighted(
        context.random,
        (
            verdicts(ACCEPTED),
            verdicts(FILTERED, params.filtered_reasons),
            verdicts(RATE_LIMITED, params.rate_limited_reasons),
            verdicts(INVALID, params.invalid_reasons),
            verdicts(ABUSE, params.abuse_reasons),
        ),
        (
            params.accepted_weight,
            params.filtered_weight,
            params.rate_limited_weight,
            params.invalid_weight,
            params.abuse_weight,
        ),
    )
    topic = params.topic

    def record(_seq: int, now_ns: int) -> Record:
        chosen = choose()
        event_id, _ = uuid4_pair(bits(256))
        index = int(draw() * num_projects)
        return Record(topic, write(index, chosen[int(draw() * len(chosen))], event_id, now_ns))

    return Targeter(record)


DESCRIPTION: Final = f"""\
{WHERE_RECORDS_GO}
The value is JSON; there is no key, so each record goes to a partition chosen at random. A weight of 0 or below means
never; when no weight is above 0, every outcome is `accepted`. For a fixed outcome give a weight to that one only.

| field | value |
|---|---|
| `project_id` | a number |
| `org_id` | the organization that the project belongs to; absent when `numOrganizations` is 0 |
| `timestamp` | now, in UTC; RFC 3339 with microseconds |
| `outcome` | 0 `accepted`, 1 `filtered`, 2 `rate_limited`, 3 `invalid`, 4 `abuse`, chosen by the weights |
| `reason` | one of the reasons of the outcome, each equally likely; absent when it has none, as `accepted` never has |
| `event_id` | a random UUID (version 4) without dashes |
"""

KAFKA_OUTCOME: Final = TestType(
    name="kafkaOutcome",
    summary="Sentry's outcomes, as records of a Kafka topic.",
    description=DESCRIPTION,
    params=KafkaOutcomeParams,
    build=_build,
    check=_check,
    transport="kafka",
    kafka=_cluster,
    hits_per_worker=25_000,
    unavailable=UNAVAILABLE,
)
