"""What all tests share: the event loop of `@pytest.mark.anyio` tests, and Hypothesis without a stopwatch."""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is not a failed law: no deadline per example, and no complaint that data were drawn slowly.
settings.register_profile("laws", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("laws")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run asynchronous tests on uvloop, the loop of the product."""
    return "asyncio", {"use_uvloop": True}
