"""HdrHistogram's compressed encoding, version 2: counts in a form that every port of HdrHistogram reads.

All integers are big-endian. Outside: the cookie 0x1c849314, the length of the rest (int32), and a zlib stream. In
that stream: a header of 40 bytes (`_HEADER`: the cookie 0x1c849313, the length of the counts in bytes, the normalizing
index offset, the significant digits, lowest and highest trackable value, the ratio of integers to values as a
double), then the counts from index 0 up to the last that is not zero. Each count is ZigZag-encoded and written in
7-bit groups, lowest first, at most nine bytes with all eight bits of the ninth in use; -n stands for n zeros in a row.

Only histograms with the buckets of `load_tester.domain.histogram` are written and read.
"""

import operator
import struct
import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from load_tester.domain.histogram import (
    COUNTS_LENGTH,
    HIGHEST_NS,
    LOWEST_NS,
    SIGNIFICANT_DIGITS,
    HistogramDelta,
    highest_equivalents,
)

COMPRESSED_COOKIE: Final = 0x1C849314
COOKIE: Final = 0x1C849313

_OUTER = struct.Struct(">II")
_HEADER = struct.Struct(">IIiIqqd")
_MAX_WORD_BYTES: Final = 9
_LAST_SHIFT: Final = 7 * (_MAX_WORD_BYTES - 1)
_MAX_PAYLOAD_BYTES: Final = _HEADER.size + COUNTS_LENGTH * _MAX_WORD_BYTES
_MAX_COUNT: Final = 2**63 - 1
_COLUMNS = np.arange(_MAX_WORD_BYTES)
_SHIFTS = np.arange(_MAX_WORD_BYTES, dtype=np.uint64) * np.uint64(7)
_LOW_BITS = np.array([0x7F] * (_MAX_WORD_BYTES - 1) + [0xFF], np.uint64)
_LEVEL: Final = 6  # zlib's default; the counts of a second take about 1 KB


class InvalidHdr(ValueError):
    """Bytes that are not a compressed HdrHistogram (version 2) with our buckets; the message says why."""


def encode(delta: HistogramDelta) -> bytes:
    """The counts of `delta` as a compressed HdrHistogram.

    The format has no room for the exact minimum, maximum and sum: whoever needs those stores them beside it.

    Raises:
        ValueError: the indices of `delta` do not rise, which those of `Histogram.delta` always do.
    """
    counts = _packed(_words(delta))
    header = _HEADER.pack(COOKIE, len(counts), 0, SIGNIFICANT_DIGITS, LOWEST_NS, HIGHEST_NS, 1.0)
    compressed = zlib.compress(header + counts, _LEVEL)
    return _OUTER.pack(COMPRESSED_COOKIE, len(compressed)) + compressed


def decode(data: bytes) -> HistogramDelta:
    """The counts of a compressed HdrHistogram with our buckets.

    Its `min`, `max` and `sum` are what the buckets allow: the lowest value of the first, the highest value of the
    last, and the sum with every value in the middle of its bucket. Where the exact ones were stored beside it, put
    them back with `msgspec.structs.replace(decode(data), sum=…, min=…, max=…)`.

    Raises:
        InvalidHdr: `data` is damaged, of another version, or has other buckets than ours.
    """
    indices, counts = _filled(_inflated(data))
    if not counts:
        return HistogramDelta()
    total = sum(counts)
    if total > _MAX_COUNT:
        raise InvalidHdr("the counts add up to more than 64 bits hold")
    filled = np.array(indices, np.int64)
    lowest, width = _ranges(filled)
    return HistogramDelta(
        total=total,
        sum=sum(map(operator.mul, (lowest + width // 2).tolist(), counts)),  # in Python's integers: it may be large
        min=int(lowest[0]),
        max=min(int(lowest[-1] + width[-1]) - 1, HIGHEST_NS),
        indices=filled.astype("<u2").tobytes(),
        counts=np.array(counts, "<u8").tobytes(),
    )


def _words(delta: HistogramDelta) -> NDArray[np.int64]:
    """What is written: for each filled bucket the zeros before it, if there are any, and its count."""
    indices = np.frombuffer(delta.indices, "<u2").astype(np.int64)
    zeros = np.diff(indices, prepend=-1) - 1
    if zeros.size and zeros.min() < 0:
        raise ValueError("the indices of a histogram must rise")
    words = np.empty((indices.size, 2), np.int64)
    words[:, 0] = np.where(zeros == 1, 0, -zeros)  # a single zero is written as the count it is
    words[:, 1] = np.frombuffer(delta.counts, "<u8")
    written = np.ones(words.shape, bool)
    written[:, 0] = zeros > 0
    return words[written]


def _packed(words: NDArray[np.int64]) -> bytes:
    """Each number ZigZag-encoded in as many 7-bit groups as it needs, all at once: a row per number, cut to length."""
    zigzag = ((words << 1) ^ (words >> 63)).astype(np.uint64)
    groups = zigzag[:, None] >> _SHIFTS
    last = (groups[:, 1:] != 0).sum(axis=1)[:, None]
    more = np.where(last > _COLUMNS, np.uint8(0x80), np.uint8(0))
    packed = (groups & _LOW_BITS).astype(np.uint8) | more
    written: bytes = packed[last >= _COLUMNS].tobytes()
    return written


def _inflated(data: bytes) -> bytes:
    """The counts' bytes, after everything before them was checked."""
    if len(data) < _OUTER.size:
        raise InvalidHdr(f"{len(data)} bytes are too few for a compressed histogram")
    cookie, length = _OUTER.unpack_from(data)
    if cookie != COMPRESSED_COOKIE:
        raise InvalidHdr(f"the cookie is {cookie:#x}, not {COMPRESSED_COOKIE:#x} of a compressed histogram, version 2")
    if length != len(data) - _OUTER.size:
        raise InvalidHdr(f"{len(data) - _OUTER.size} bytes follow, but {length} are announced")
    inflator = zlib.decompressobj()
    try:
        payload = inflator.decompress(data[_OUTER.size :], _MAX_PAYLOAD_BYTES)
    except zlib.error as error:
        raise InvalidHdr(f"the compressed part is damaged: {error}") from None
    if not inflator.eof or inflator.unused_data or len(payload) < _HEADER.size:
        raise InvalidHdr("the compressed part is cut off, too long or too short")
    cookie, length, offset, digits, lowest, highest, ratio = _HEADER.unpack_from(payload)
    if cookie != COOKIE:
        raise InvalidHdr(f"the inner cookie is {cookie:#x}, not {COOKIE:#x}")
    if (offset, digits, lowest, highest, ratio) != (0, SIGNIFICANT_DIGITS, LOWEST_NS, HIGHEST_NS, 1.0):
        raise InvalidHdr(
            f"it has other buckets: {digits} digits from {lowest} to {highest}, offset {offset}, ratio {ratio:g}"
        )
    if length != len(payload) - _HEADER.size:
        raise InvalidHdr(f"the counts have {len(payload) - _HEADER.size} bytes, but {length} are announced")
    packed: bytes = payload[_HEADER.size :]
    return packed


def _filled(packed: bytes) -> tuple[list[int], list[int]]:
    """The indices and counts of the buckets that are not empty."""
    indices: list[int] = []
    counts: list[int] = []
    index = word = shift = 0
    for byte in packed:
        if byte >= 0x80 and shift < _LAST_SHIFT:
            word |= (byte & 0x7F) << shift
            shift += 7
            continue
        word |= byte << shift
        if word & 1:  # ZigZag: odd numbers are the negative ones
            index += (word + 1) >> 1
        else:
            if word:
                indices.append(index)
                counts.append(word >> 1)
            index += 1
        word = shift = 0
    if shift:
        raise InvalidHdr("the last count is cut off")
    if index > COUNTS_LENGTH:
        raise InvalidHdr(f"there are {index} counts, more than the {COUNTS_LENGTH} of an hour")
    return indices, counts


def _ranges(indices: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The smallest value counted at each index, and how many values are counted there."""
    highest = highest_equivalents(indices)
    below = np.where(indices > 0, highest_equivalents(np.maximum(indices - 1, 0)), -1)
    return below + 1, highest - below
