"""How one second of a run is written into its row, and read back exactly."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from load_tester.domain import hdr
from load_tester.domain.histogram import HistogramDelta
from load_tester.domain.metrics import Counts, Metrics, Second, TargetPart

HISTOGRAMS: Final = ("latency", "response_time", "lag")
_targets = msgspec.msgpack.Decoder(dict[str, TargetPart])
_COUNTS: Final = tuple(field.name for field in msgspec.structs.fields(Counts))


def encode_second(second: Second) -> dict[str, bytes]:
    """The columns of the row, but for its key.

    Histograms are in HdrHistogram's own form (`load_tester.domain.hdr`), for other programs to read. Counts are written
    by name, so that a later version can add some; `exact` keeps total, sum, min and max of each histogram, which its
    buckets hold only to three digits. `figures` follows from the rest; it is stored because reading an hour of
    histograms takes seconds. `targets` is empty where the test type tells none apart.
    """
    deltas = {name: getattr(second, name) for name in HISTOGRAMS}
    counts: dict[str, Any] = {name: getattr(second.counts, name) for name in _COUNTS}
    counts["exact"] = {name: (delta.total, delta.sum, delta.min, delta.max) for name, delta in deltas.items()}
    return {
        "figures": msgspec.json.encode(Metrics().add(second).second_figures()),
        "counts": msgspec.json.encode(counts),
        **{name: hdr.encode(delta) for name, delta in deltas.items()},
        "targets": msgspec.msgpack.encode(second.targets) if second.targets else b"",
    }


def decode_second(row: Mapping[str, Any]) -> Second:
    """The second that was written into the row."""
    stored = msgspec.json.decode(row["counts"])
    exact = stored.pop("exact")
    counts = Counts(**{name: value for name, value in stored.items() if name in _COUNTS})
    counts.status_codes = {int(code): count for code, count in counts.status_codes.items()}
    latency, response_time, lag = (_decode(row[name], *exact[name]) for name in HISTOGRAMS)
    targets = _targets.decode(row["targets"]) if row["targets"] else {}
    return Second(row["second"], counts, latency, response_time, lag, targets)


def _decode(blob: bytes, total: int, sum_: int, low: int, high: int) -> HistogramDelta:
    counts = hdr.decode(blob)
    return HistogramDelta(total, sum_, low, high, counts.indices, counts.counts)
