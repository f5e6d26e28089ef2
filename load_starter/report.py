"""The report of a plan's execution as YAML, in upstream's form with our figures added."""

import contextlib
import os
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import yaml

from load_starter.execution import Status, StepResult
from load_starter.plan import AttackTest


class _Instant(str):
    """A text that YAML readers take for a point in time."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes instants without quotes, and repeats what occurs twice instead of referring to it."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # the signature is PyYAML's
        return True


_Dumper.add_representer(
    _Instant, lambda dumper, instant: dumper.represent_scalar("tag:yaml.org,2002:timestamp", str(instant))
)


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC with as many digits of the second as matter: `2025-01-02T15:04:05.123Z`."""
    utc = moment.astimezone(UTC)
    fraction = f".{utc.microsecond:06d}".rstrip("0").rstrip(".")
    return _Instant(f"{utc:%Y-%m-%dT%H:%M:%S}{fraction}Z")


def yaml_report(results: Sequence[StepResult], started_at: datetime, ended_at: datetime, status: str) -> str:
    """The report. It lists the tests that were begun, but not those with `produce_report=False`.

    `status` is that of the whole: `finished`, `failed` or `interrupted`. Every test has its `runInfo`, `startTime`,
    `endTime`, `status` and, where there are any, `error`, `runId` and `result`: the figures, whose times are integer
    nanoseconds.
    """
    content = {
        "testRuns": [
            _test_run(result, result.step)
            for result in results
            if isinstance(result.step, AttackTest) and result.step.produce_report
        ],
        "startTime": instant(started_at),
        "endTime": instant(ended_at),
        "status": status,
    }
    text: str = yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text


def overall(results: Sequence[StepResult]) -> Status:
    """How the whole plan ended: interrupted, or failed when any step failed."""
    for status in (Status.INTERRUPTED, Status.FAILED):
        if any(result.status is status for result in results):
            return status
    return Status.FINISHED


def write_atomically(path: Path, text: str) -> None:
    """Write the file at once: it is never seen half written, and stays what it was when writing fails.

    Raises:
        OSError: it cannot be written.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise


def _test_run(result: StepResult, test: AttackTest) -> dict[str, Any]:
    command = test.command()
    spec = {key: command[key] for key in ("numMessages", "params", "per", "testType", "labels") if key in command}
    entry: dict[str, Any] = {
        "runInfo": {
            "name": test.name,
            "description": test.description,
            "duration": str(test.duration),
            "runner": "vegeta",
            "spec": spec,
        },
        "startTime": instant(result.started_at),
        "endTime": instant(result.ended_at),
        "status": result.status.value,
    }
    if result.error is not None:
        entry["error"] = result.error
    if result.run_id is not None:
        entry["runId"] = result.run_id
    if result.run is not None:
        entry["result"] = msgspec.to_builtins(result.run.summary) | {
            "generatorLimited": result.run.generator_limited,
            "reasons": list(result.run.reasons),
        }
    return entry
