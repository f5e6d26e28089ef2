"""Test type `transactionV2`: transactions of projects that differ in how often they send, and how late."""

from collections.abc import Callable
from itertools import accumulate, pairwise
from random import Random
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from load_tester.domain.duration import MICROSECOND, SECOND
from load_tester.domain.parameter import Span
from load_tester.domain.request import Targeter
from load_tester.domain.test_type import BuildContext, InvalidParams, TestType
from test_types.generation import weighted
from test_types.params import RelativeWeight, check_projects
from test_types.transaction_shape import TransactionShape, check_shape, transaction_maker


class DelayBucket(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A range of delays, from the bucket before up to but not including `maxDelay`."""

    weight: Annotated[
        RelativeWeight, Meta(description="How often the delay is in this bucket, against the other weights.")
    ] = 1.0
    max_delay: Annotated[
        Span, Meta(description="Where the bucket ends; it begins where the one before it ends, the first one at 0.")
    ]


class ProjectProfile(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Projects that are alike."""

    num_projects: Annotated[int, Meta(ge=1, le=1_000_000, description="Projects with this profile.")] = 1
    relative_freq_weight: Annotated[
        RelativeWeight,
        Meta(description="How often each of these projects sends, against one of another profile."),
    ] = 1.0
    timestamp_histogram: Annotated[
        tuple[DelayBucket, ...],
        Meta(min_length=1, max_length=1_000, description="How long ago the transactions ended."),
    ] = (DelayBucket(max_delay=Span(SECOND)),)


class TransactionV2Params(TransactionShape, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Transactions of projects with profiles."""

    project_distribution: Annotated[
        tuple[ProjectProfile, ...],
        Meta(min_length=1, max_length=1_000, description="The profiles of the projects."),
    ] = (ProjectProfile(),)


def _check(params: TransactionV2Params) -> None:
    check_shape(params)
    profiles = params.project_distribution
    if not any(profile.relative_freq_weight for profile in profiles):
        raise InvalidParams("no profile has a relativeFreqWeight above 0: nothing would be sent", _PATH)
    for number, profile in enumerate(profiles):
        _check_histogram(profile.timestamp_histogram, f"{_PATH}[{number}].timestampHistogram")


def _check_histogram(histogram: tuple[DelayBucket, ...], path: str) -> None:
    if not any(bucket.weight for bucket in histogram):
        raise InvalidParams("no bucket has a weight above 0: there is no delay to choose", path)
    for number, (before, bucket) in enumerate(pairwise(histogram), 1):
        if bucket.max_delay < before.max_delay:
            raise InvalidParams(
                f"maxDelay ({bucket.max_delay}) is below that of the bucket before it ({before.max_delay})",
                f"{path}[{number}].maxDelay",
            )


_PATH: Final = ".projectDistribution"


def _build(params: TransactionV2Params, context: BuildContext) -> Targeter:
    profiles, random = params.project_distribution, context.random
    ends = tuple(accumulate(profile.num_projects for profile in profiles))
    check_projects(ends[-1], context, _PATH)
    choose_profile = weighted(
        random,
        [
            (end - profile.num_projects, profile.num_projects, _delay(profile.timestamp_histogram, random))
            for profile, end in zip(profiles, ends, strict=True)
        ],
        [profile.relative_freq_weight * profile.num_projects for profile in profiles],
    )
    draw = random.random

    def choose() -> tuple[int, Callable[[], int]]:
        first, count, delay_us = choose_profile()
        return first + int(draw() * count), delay_us

    return Targeter(transaction_maker(params, choose, context))


def _delay(histogram: tuple[DelayBucket, ...], random: Random) -> Callable[[], int]:
    """Draw a delay in microseconds. Of a bucket that ends where it begins, the delay is just that."""
    draw = random.random
    limits = pairwise((0, *(bucket.max_delay.ns // MICROSECOND for bucket in histogram)))
    choose_bucket = weighted(random, list(limits), [bucket.weight for bucket in histogram])

    def delay_us() -> int:
        low, high = choose_bucket()
        return low + int(draw() * (high - low))

    return delay_us


DESCRIPTION: Final = """\
The payload is that of [`transaction`](#transaction); what differs is which project sends it, and how long ago it ended.

A profile is chosen with the weight `relativeFreqWeight` * `numProjects`, then one of its projects, each equally likely:
so each project of a profile with `relativeFreqWeight` 2 sends twice as often as each one of a profile with 1. The
profiles own consecutive projects: with `numProjects` 2, 3 and 4 the first has the projects 1 and 2, the second 3 to 5,
the third 6 to 9. With a `projects.json` these are the entries of the file, from its first; asking for more than it
lists is refused.

A transaction ended a delay ago: a bucket of its project's histogram is chosen by the weights, and the delay is uniform
from the `maxDelay` of the bucket before (of the first one, from 0) up to but not including its own, in steps of a
microsecond. Weights need not add up to anything. A weight of 0 disables a bucket (the next one still begins where it
ends) or a profile (it keeps its projects). A bucket whose `maxDelay` equals that of the one before has just that delay.
Refused are a `maxDelay` below that of the bucket before, weights that are all 0, and empty lists.

Without `projectDistribution` there is one project whose transactions ended within the last second.
"""

TRANSACTION_V2: Final = TestType(
    name="transactionV2",
    summary="Sentry transactions of projects that differ in how often they send, and how late.",
    description=DESCRIPTION,
    params=TransactionV2Params,
    build=_build,
    check=_check,
    hits_per_worker=8_000,
)
