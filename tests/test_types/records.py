"""What tests of the records for Kafka share: the records of an afternoon."""

from random import Random
from typing import Any

from load_tester.domain.pacer import ALL_HITS, Share
from load_tester.domain.project import MadeUpProjects, ProjectProvider
from load_tester.domain.request import Record
from load_tester.domain.test_type import BuildContext, TestType

AFTERNOON_NS = 1_735_830_245_123_456_789  # 2025-01-02T15:04:05.123456789Z


def records(
    test_type: TestType[Any],
    params: dict[str, Any],
    hits: int,
    seed: int = 1,
    *,
    projects: ProjectProvider | None = None,
    share: Share = ALL_HITS,
) -> list[Record]:
    """The records of the first hits of a share, all of them now."""
    context = BuildContext(Random(seed), projects or MadeUpProjects(), share)
    make = test_type.build(test_type.decode(params), context).request
    return [make(share.seq(i), AFTERNOON_NS) for i in range(hits)]
