"""The bundled test types: what attacks can send."""

from typing import Any

from load_tester.domain.test_type import TestType
from test_types.clickhouse_insert import CLICKHOUSE_INSERT
from test_types.clickhouse_query import CLICKHOUSE_QUERY
from test_types.event import EVENT
from test_types.http import HTTP
from test_types.kafka_event import KAFKA_EVENT
from test_types.kafka_outcome import KAFKA_OUTCOME
from test_types.metric_bucket import METRIC_BUCKET
from test_types.project_config import PROJECT_CONFIG
from test_types.replay import REPLAY
from test_types.session import SESSION
from test_types.transaction import TRANSACTION
from test_types.transaction_v2 import TRANSACTION_V2

TEST_TYPES: tuple[TestType[Any], ...] = (
    SESSION,
    TRANSACTION,
    TRANSACTION_V2,
    EVENT,
    METRIC_BUCKET,
    CLICKHOUSE_QUERY,
    CLICKHOUSE_INSERT,
    PROJECT_CONFIG,
    KAFKA_OUTCOME,
    KAFKA_EVENT,
    REPLAY,
    HTTP,
)
