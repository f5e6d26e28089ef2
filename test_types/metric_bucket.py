"""Test type `metricBucket`: aggregated metrics as Relays forward them, each envelope a list of buckets."""

from collections.abc import Callable
from itertools import accumulate, product
from random import Random
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from load_tester.domain.duration import SECOND
from load_tester.domain.request import Request, Targeter
from load_tester.domain.test_type import BuildContext, InvalidParams, TestType
from test_types.envelope import endpoints, framed, traced_header
from test_types.generation import uuid4_pair
from test_types.params import Count, Length, check_order, check_projects

COUNTER_VALUE: Final = 33
WIDTH_S: Final = 2
MAX_STEP: Final = 5
"""By how much a value of a set or a distribution is above the one before it, at most."""
MAX_VALUES: Final = 1_000_000
"""Of one payload, tags included: some 20 MB."""

MAX_TAG_SETS: Final = 4_096
"""So many sets of tags are kept in memory, written out: half a megabyte."""

_STEPS: Final = range(1, MAX_STEP + 1)

# Lists of numbers are the one thing that msgspec writes faster than f-strings do: in a fifth of the time.
_json: Final = msgspec.json.Encoder().encode


class MetricBucketParams(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What metric buckets look like. All ranges include both ends; when all counts of buckets are 0, one is a counter."""

    num_projects: Annotated[Count, Meta(description="Projects the buckets are spread over; 0 stands for 1.")] = 1
    num_metric_names: Annotated[Count, Meta(description="Names of metrics of each kind; 0 stands for 1.")] = 1
    num_counters: Annotated[Length, Meta(description="Counters in each payload.")] = 0
    num_sets: Annotated[Length, Meta(description="Sets in each payload.")] = 0
    num_distributions: Annotated[Length, Meta(description="Distributions in each payload.")] = 0
    num_gauges: Annotated[Length, Meta(description="Gauges in each payload.")] = 0
    min_metrics_in_sets: Annotated[Length, Meta(description="The fewest values of a set.")] = 1
    max_metrics_in_sets: Annotated[Length, Meta(description="The most values of a set.")] = 10
    min_metrics_in_distribution: Annotated[Length, Meta(description="The fewest values of a distribution.")] = 1
    max_metrics_in_distribution: Annotated[Length, Meta(description="The most values of a distribution.")] = 10
    num_tags_per_metric: Annotated[
        int, Meta(ge=0, le=1_000, description="Tags `t1`, `t2` …; every bucket has all of them.")
    ] = 0
    num_values_per_tag: Annotated[
        Count, Meta(description="Values `v1`, `v2` … of each tag, each equally likely; 0 stands for 1.")
    ] = 1


def _counts(params: MetricBucketParams) -> tuple[int, int, int, int]:
    """Counters, sets, distributions and gauges of a payload."""
    counts = (params.num_counters, params.num_sets, params.num_distributions, params.num_gauges)
    return counts if any(counts) else (1, 0, 0, 0)


def _check(params: MetricBucketParams) -> None:
    check_order(
        "minMetricsInSets", params.min_metrics_in_sets,
        "maxMetricsInSets", params.max_metrics_in_sets,
    )  # fmt: skip
    check_order(
        "minMetricsInDistribution", params.min_metrics_in_distribution,
        "maxMetricsInDistribution", params.max_metrics_in_distribution,
    )  # fmt: skip
    counters, sets, distributions, gauges = _counts(params)
    values = {
        "numCounters": counters,
        "numSets": sets * params.max_metrics_in_sets,
        "numDistributions": distributions * params.max_metrics_in_distribution,
        "numGauges": gauges * 5,
        "numTagsPerMetric": (counters + sets + distributions + gauges) * params.num_tags_per_metric,
    }
    if sum(values.values()) > MAX_VALUES:
        most = max(values, key=lambda name: values[name])
        raise InvalidParams(
            f"a payload could have {sum(values.values())} values and tags; at most {MAX_VALUES} are allowed", f".{most}"
        )


def _build(params: MetricBucketParams, context: BuildContext) -> Targeter:
    num_projects = params.num_projects or 1
    check_projects(num_projects, context)
    endpoint_at, random = endpoints(context.projects), context.random
    draw, bits = random.random, random.getrandbits
    write_buckets = _buckets_writer(params, random)

    def request(_seq: int, now_ns: int) -> Request:
        path, headers, key_json = endpoint_at(int(draw() * num_projects))
        event_id, trace_id = uuid4_pair(bits(256))
        header = traced_header(event_id, trace_id, key_json, now_ns)
        return Request("POST", path, headers, framed(header, "metric_buckets", write_buckets(now_ns // SECOND)))

    return Targeter(request)


def _buckets_writer(params: MetricBucketParams, random: Random) -> Callable[[int], str]:
    """Write the payload at the Unix second given."""
    draw = random.random
    num_names = params.num_metric_names or 1
    write_tags = _tags_writer(params.num_tags_per_metric, params.num_values_per_tag or 1, random)
    writers: tuple[tuple[str, Callable[[], str]], ...] = (
        ("c", lambda: str(COUNTER_VALUE)),
        ("s", _set_writer(params.min_metrics_in_sets, params.max_metrics_in_sets, random)),
        ("d", _distribution_writer(params.min_metrics_in_distribution, params.max_metrics_in_distribution, random)),
        ("g", _gauge_writer(random)),
    )
    kinds = [
        (
            f'{{"name":"{kind}:transactions/metric',
            f'@none","unit":"none","width":{WIDTH_S},"type":"{kind}","value":',
            write_value,
        )
        for (kind, write_value), count in zip(writers, _counts(params), strict=True)
        for _ in range(count)
    ]

    def write(now_s: int) -> str:
        ending = f',"timestamp":{now_s},"tags":{{'
        buckets = [
            f"{opening}{int(draw() * num_names)}{middle}{write_value()}{ending}{write_tags()}}}}}"
            for opening, middle, write_value in kinds
        ]
        return f"[{','.join(buckets)}]"

    return write


def _set_writer(least: int, most: int, random: Random) -> Callable[[], str]:
    """Write different integers, each 1 to 5 above the one before it; the first is counted from 0."""
    draw, choices = random.random, random.choices
    options = most - least + 1
    return lambda: _json(list(accumulate(choices(_STEPS, k=least + int(draw() * options))))).decode()


def _distribution_writer(least: int, most: int, random: Random) -> Callable[[], str]:
    """Write numbers, each 0 to 5 above the one before it; the first is counted from 0."""
    draw = random.random
    options = most - least + 1

    def write() -> str:
        count = least + int(draw() * options)
        return _json(list(accumulate([draw() * MAX_STEP for _ in range(count)]))).decode()

    return write


def _gauge_writer(random: Random) -> Callable[[], str]:
    """Write the five numbers of a gauge, which agree with each other."""
    draw = random.random

    def write() -> str:
        least, spread, count = 1 + draw() * 100, draw() * 100, 4 + int(draw() * 50)
        most, last = least + spread, least + spread * draw()
        total = count * (least + most) / 2
        return _json({"max": most, "min": least, "sum": total, "last": last, "count": count}).decode()

    return write


def _tags_writer(num_tags: int, num_values: int, random: Random) -> Callable[[], str]:
    """Write the members of `tags`. Where there are few sets of tags, they are written out once, and one draw chooses."""
    draw = random.random
    openings = tuple(f'"t{number}":"v' for number in range(1, num_tags + 1))
    if num_values**num_tags > MAX_TAG_SETS:
        return lambda: ",".join([f'{opening}{1 + int(draw() * num_values)}"' for opening in openings])
    sets = tuple(
        ",".join([f'{opening}{value}"' for opening, value in zip(openings, values, strict=True)])
        for values in product(range(1, num_values + 1), repeat=num_tags)
    )
    size = len(sets)
    return lambda: sets[int(draw() * size)]


DESCRIPTION: Final = """\
The item of the envelope is of the type `metric_buckets`; the `trace_id` in the envelope header is a random UUID. The
payload is a list: counters first, then sets, distributions and gauges. When all four counts are 0, it is one counter.

| field | value |
|---|---|
| `name` | `<type>:transactions/metric<n>@none`, with n from 0 to `numMetricNames` - 1 |
| `unit` | `none`, as in the name |
| `width` | 2 |
| `type` | `c`, `s`, `d` or `g` |
| `value` of a counter | 33 |
| `value` of a set | different integers in rising order, each 1 to 5 above the one before it, the first above 0 |
| `value` of a distribution | numbers in rising order, each 0 to 5 above the one before it, the first above 0 |
| `value` of a gauge | `min` 1 to 101, `max` up to 100 above it, `last` between them, `count` 4 to 53, `sum` = `count` * (`min` + `max`) / 2 |
| `timestamp` | now in whole Unix seconds |
| `tags` | `t1` to `t<numTagsPerMetric>`, each of them with one of `v1` to `v<numValuesPerTag>` |

So each metric name comes with `numValuesPerTag` to the power of `numTagsPerMetric` different sets of tags: 3 values of
each of 4 tags make 81. A payload may have up to 1000000 values and tags together.
"""

METRIC_BUCKET: Final = TestType(
    name="metricBucket",
    summary="Aggregated metrics, a list of buckets per envelope.",
    description=DESCRIPTION,
    params=MetricBucketParams,
    build=_build,
    check=_check,
    hits_per_worker=12_000,
)
