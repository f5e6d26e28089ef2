"""The compressed HdrHistogram encoding, judged by an independent implementation (PyPI `hdrhistogram`)."""

import base64
import struct
import zlib
from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from load_tester.domain import hdr
from load_tester.domain.histogram import (
    COUNTS_LENGTH,
    HIGHEST_NS,
    LOWEST_NS,
    SIGNIFICANT_DIGITS,
    Histogram,
    HistogramDelta,
)

values_ns = st.integers(0, HIGHEST_NS) | st.integers(0, 10_000_000)
filled_buckets = st.dictionaries(
    st.integers(0, COUNTS_LENGTH - 1), st.integers(1, 2**20) | st.integers(1, 2**62), max_size=40
).filter(lambda buckets: sum(buckets.values()) < 2**63)


def made_of(values: list[int]) -> Histogram:
    """A histogram with those values."""
    histogram = Histogram()
    histogram.record(np.array(values, np.int64))
    return histogram


def of_buckets(buckets: dict[int, int]) -> HistogramDelta:
    """A delta with those counts at those indices, and nothing known of the values."""
    indices = sorted(buckets)
    counts = [buckets[index] for index in indices]
    return HistogramDelta(
        total=sum(counts), indices=np.array(indices, "<u2").tobytes(), counts=np.array(counts, "<u8").tobytes()
    )


def packed(*numbers: int) -> bytes:
    """Numbers as the format writes them, one at a time and by the letter: the plain twin of our fast encoder."""
    written = bytearray()
    for number in numbers:
        rest = number * 2 if number >= 0 else -number * 2 - 1
        for _ in range(8):
            if rest < 0x80:
                break
            written.append(rest & 0x7F | 0x80)
            rest >>= 7
        written.append(rest)
    return bytes(written)


def framed(
    counts: bytes,
    *,
    cookie: int = hdr.COMPRESSED_COOKIE,
    inner: int = hdr.COOKIE,
    offset: int = 0,
    digits: int = SIGNIFICANT_DIGITS,
    lowest: int = LOWEST_NS,
    highest: int = HIGHEST_NS,
    ratio: float = 1.0,
    counts_length: int | None = None,
) -> bytes:
    """A compressed histogram around `counts`, right unless told otherwise."""
    length = len(counts) if counts_length is None else counts_length
    payload = struct.pack(">IIiIqqd", inner, length, offset, digits, lowest, highest, ratio) + counts
    compressed = zlib.compress(payload)
    return struct.pack(">II", cookie, len(compressed)) + compressed


@given(st.lists(values_ns, max_size=200))
def test_the_judge_reads_our_encoding(values: list[int]) -> None:
    """What we write, another implementation reads with the same count in every bucket."""
    histogram = made_of(values)
    judge = HdrHistogram.decode(base64.b64encode(hdr.encode(histogram.delta())))
    assert judge.counts_len == COUNTS_LENGTH
    assert [judge.get_count_at_index(index) for index in range(COUNTS_LENGTH)] == histogram.counts.tolist()


@given(st.lists(values_ns, max_size=200))
def test_we_read_the_encoding_of_the_judge(values: list[int]) -> None:
    """What another implementation writes, we read with the same count in every bucket."""
    judge = HdrHistogram(LOWEST_NS, HIGHEST_NS, SIGNIFICANT_DIGITS)
    for value in values:
        assert judge.record_value(value)
    decoded, ours = hdr.decode(base64.b64decode(judge.encode())), made_of(values).delta()
    assert (decoded.indices, decoded.counts, decoded.total) == (ours.indices, ours.counts, ours.total)


@given(st.lists(values_ns, min_size=1, max_size=200), st.sampled_from([1, 25, 50, 75, 90, 95, 99, 99.9, 100]))
def test_percentiles_are_those_of_the_judge(values: list[int], percent: float) -> None:
    """Asked for the percentile that ends at a whole value, both implementations name the same bucket.

    Between whole values they differ by design: ours rounds the rank up, as Java's HdrHistogram does, the judge rounds
    to the nearest. Ours also never exceeds the exact maximum. Hence the judge is asked at the rank that ours takes.
    """
    histogram = made_of(values)
    judge = HdrHistogram.decode(base64.b64encode(hdr.encode(histogram.delta())))
    rank = max(1, -(-int(len(values) * percent * 10) // 1000))
    assert histogram.percentile(percent) == min(judge.get_value_at_percentile(rank / len(values) * 100), max(values))


@given(filled_buckets)
def test_every_count_survives_the_round_trip(buckets: dict[int, int]) -> None:
    """Any buckets with any counts of 63 bits come back as they were, the longest numbers of nine bytes included."""
    delta = of_buckets(buckets)
    decoded = hdr.decode(hdr.encode(delta))
    assert (decoded.indices, decoded.counts, decoded.total) == (delta.indices, delta.counts, delta.total)


@given(filled_buckets)
def test_the_bytes_are_those_of_the_specification(buckets: dict[int, int]) -> None:
    """Our fast encoder writes what a plain reading of the format writes: runs of zeros and counts up to the last."""
    words: list[int] = []
    position = 0
    for index in sorted(buckets):
        if index > position:
            words.append(0 if index == position + 1 else position - index)
        words.append(buckets[index])
        position = index + 1
    assert zlib.decompress(hdr.encode(of_buckets(buckets))[8:])[40:] == packed(*words)


@given(st.lists(values_ns, min_size=1, max_size=200))
def test_a_decoded_histogram_is_true_to_three_digits(values: list[int]) -> None:
    """Without the exact figures beside it, minimum, maximum and sum are still within a bucket of the truth."""
    decoded = hdr.decode(hdr.encode(made_of(values).delta()))
    assert decoded.min <= min(values) <= decoded.min + max(1024, decoded.min // 1000)
    assert decoded.max - max(1024, decoded.max // 1000) <= max(values) <= decoded.max
    assert abs(decoded.sum - sum(values)) <= sum(values) // 1000 + 1024 * len(values)


def test_exact_figures_are_put_back_from_beside() -> None:
    """With sum, minimum and maximum stored beside the encoding, nothing at all is lost."""
    delta = made_of([1_234_567, 89_101_112, 1_314_151_617]).delta()
    decoded = hdr.decode(hdr.encode(delta))
    assert msgspec.structs.replace(decoded, sum=delta.sum, min=delta.min, max=delta.max) == delta


def test_nothing_is_encoded_of_nothing() -> None:
    """An empty histogram encodes, and decodes as an empty one, also when its zeros are spelled out."""
    assert hdr.decode(hdr.encode(HistogramDelta())) == HistogramDelta()
    assert hdr.decode(framed(packed(0))) == HistogramDelta()
    assert hdr.decode(framed(packed(-COUNTS_LENGTH))) == HistogramDelta()


def test_the_text_form_starts_as_everywhere() -> None:
    """In base64 the encoding starts with the letters by which tools know a compressed histogram."""
    assert base64.b64encode(hdr.encode(made_of([5_000_000]).delta())).startswith(b"HISTFAAAA")


def test_a_sum_beyond_64_bits_is_no_problem() -> None:
    """A billion billion hits of an hour each have a sum that only Python's integers hold."""
    delta = of_buckets({COUNTS_LENGTH - 1100: 10**18})
    assert hdr.decode(hdr.encode(delta)).sum > 2**64


def test_indices_that_do_not_rise_are_refused() -> None:
    """A delta that no histogram makes is not written as something else."""
    delta = HistogramDelta(total=2, indices=np.array([5, 5], "<u2").tobytes(), counts=np.ones(2, "<u8").tobytes())
    with pytest.raises(ValueError, match="must rise"):
        hdr.encode(delta)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "too few"),
        (b"HISTF", "too few"),
        (framed(packed(1), cookie=0x1C849304), "cookie"),
        (framed(packed(1), cookie=0x1C849302), "cookie"),
        (framed(packed(1))[:-1], "announced"),
        (framed(packed(1)) + b"x", "announced"),
        (struct.pack(">II", hdr.COMPRESSED_COOKIE, 4) + b"junk", "damaged"),
        (struct.pack(">II", hdr.COMPRESSED_COOKIE, 20) + zlib.compress(bytes(range(99)))[:20], "cut off"),
        (struct.pack(">II", hdr.COMPRESSED_COOKIE, 9) + zlib.compress(b"") + b"x", "cut off"),
        (framed(packed(1), inner=0x1C849303), "inner cookie"),
        (framed(packed(1), digits=2), "other buckets"),
        (framed(packed(1), lowest=1), "other buckets"),
        (framed(packed(1), highest=10**9), "other buckets"),
        (framed(packed(1), offset=1), "other buckets"),
        (framed(packed(1), ratio=0.001), "other buckets"),
        (framed(packed(1), counts_length=2), "announced"),
        (framed(b"\x80"), "cut off"),
        (framed(packed(-COUNTS_LENGTH, 1)), "more than"),
        (framed(packed(-(2**40))), "more than"),
        (framed(packed(2**62, 2**62)), "64 bits"),
    ],
)
def test_damaged_or_foreign_bytes_are_refused(data: bytes, message: str) -> None:
    """Whatever is not such a histogram is refused with the reason, and never read as other counts."""
    with pytest.raises(hdr.InvalidHdr, match=message):
        hdr.decode(data)


def test_a_bomb_is_not_inflated() -> None:
    """A small text that would unpack to a gigabyte is refused after the few hundred KB that counts can take."""
    compressed = zlib.compress(bytes(50_000_000), 9)
    with pytest.raises(hdr.InvalidHdr, match="too long"):
        hdr.decode(struct.pack(">II", hdr.COMPRESSED_COOKIE, len(compressed)) + compressed)


@given(st.binary(max_size=80), st.sampled_from([lambda data: data, framed]))
def test_any_bytes_are_read_or_refused(data: bytes, frame: Callable[[bytes], bytes]) -> None:
    """Of arbitrary bytes the decoder makes a histogram or says no; it knows no third way."""
    try:
        decoded = hdr.decode(frame(data))
    except hdr.InvalidHdr:
        return
    assert hdr.decode(hdr.encode(decoded)) == decoded
