"""How long `load-starter` takes to evaluate a large script."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.row import Row
from load_starter.sandbox import evaluate_apart

TESTS: Final = 10_000
_SCRIPT: Final = f"""
set_load_tester_url("http://127.0.0.1:8000")
for i in range({TESTS}):
    add_vegeta_test(
        name = "step %d" % i,
        duration = duration("1s") * (i % 10 + 1),
        freq = i + 1,
        per = duration("500ms") + duration("500ms"),
        test_type = "session",
        config = {{"startedRange": duration("1m") / 2, "numReleases": i % 7 + 1}},
    )
"""


def large_script(*, quick: bool) -> Iterator[Row]:
    """A script with 10 000 tests, durations computed for each, evaluated into its plan."""
    took_s, steps = [], 0
    with tempfile.TemporaryDirectory(prefix="bench-script-") as folder:
        script = Path(folder) / "large.star"
        script.write_text(_SCRIPT)
        for _ in range(1 if quick else 3):
            began = time.perf_counter()
            plan = evaluate_apart(script, "http://127.0.0.1:8000", print)
            took_s.append(time.perf_counter() - began)
            steps = len(plan.steps)
    median = statistics.median(took_s)
    measured = f"{median:.2f} s, {steps:,} steps"
    yield Row(f"script with {TESTS:,} add_vegeta_test calls", measured, "< 2 s", median < 2 and steps == TESTS)
