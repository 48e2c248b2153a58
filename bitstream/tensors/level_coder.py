"""Implements docs/packed-weights.md, section 5: the levels of all tensors in one codeword.

A tensor's levels are coded in blocks of one level per lane. When a block is coded, the quantiser of
each of its levels is known (section 4), and so is their expected scale, from the blocks before.

Writer and reader have the same methods, so that one walk drives either; see
`bitstream.coding.symbols`, whose range coder this is. A binary coder in Python takes about 1.5
microseconds per decision; this takes 0.3 per level in large tensors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bitstream.coding import range_coder
from bitstream.coding.golomb import code_exp_golomb
from bitstream.coding.range_coder import COIN, RangeReader, stream
from bitstream.coding.trellis import NEXT_STATE, all_points, points
from bitstream.errors import InvalidField
from bitstream.limits import MAX_PACKED_LEVEL
from bitstream.tensors.level_model import ESCAPE, SCALE_BITS, LevelModel

MAX_PREFIX = 31
SLOWEST_AVERAGE = 128
FASTEST_AVERAGE = 4

_CATEGORICAL = stream.model.Categorical(perfect=False)
_UNIFORM = stream.model.Uniform()

Integers = NDArray[np.int64]


class LevelCoder(Protocol):
    """What the walk over the levels needs to know of the writer and the reader."""

    def symbols(self, symbols: Integers, frequencies: Integers) -> Integers:
        """Codes symbols [m], each with its own row of frequencies [m n] of sum 2**24."""

    def uniform(self, values: Integers, sizes: Integers) -> Integers:
        """Codes values [m], equiprobable in 0..size-1, each with its own size >= 2."""

    def coin(self, bit: int) -> int:
        """Codes one equiprobable bit."""


class LevelWriter:
    """Writes levels into one codeword."""

    def __init__(self) -> None:
        self._encoder = stream.queue.RangeEncoder()

    def symbols(self, symbols: Integers, frequencies: Integers) -> Integers:
        """Writes `symbols`, returns them."""
        # Frequencies less one in float64: constriction then rounds nothing, see `CdfTables.models`.
        self._encoder.encode(
            symbols.astype(np.int32), _CATEGORICAL, (frequencies - 1).astype(np.float64)
        )
        return symbols

    def uniform(self, values: Integers, sizes: Integers) -> Integers:
        """Writes `values`, returns them."""
        self._encoder.encode(values.astype(np.int32), _UNIFORM, sizes.astype(np.int32))
        return values

    def coin(self, bit: int) -> int:
        """Writes `bit`, returns it."""
        self._encoder.encode(bit, COIN)
        return bit

    @property
    def bits(self) -> float:
        """Information that was written so far."""
        return range_coder.written_bits(self._encoder)

    def finish(self) -> bytes:
        """The shortest codeword of everything written."""
        return range_coder.finish(self._encoder)


class LevelReader:
    """Reads the levels of one codeword; the values it is given do not matter.

    All methods raise what those of `range_coder.RangeReader` do.
    """

    def __init__(self, data: bytes) -> None:
        self._reader = RangeReader(data)

    def symbols(self, symbols: Integers, frequencies: Integers) -> Integers:
        """Returns the symbols that were written."""
        model = (frequencies - 1).astype(np.float64)
        return self._reader.varied(_CATEGORICAL, model).astype(np.int64)

    def uniform(self, values: Integers, sizes: Integers) -> Integers:
        """Returns the values that were written."""
        return self._reader.varied(_UNIFORM, sizes.astype(np.int32)).astype(np.int64)

    def coin(self, bit: int) -> int:
        """Returns the bit that was written."""
        return self._reader.coin()


@dataclass(frozen=True)
class Scan:
    """How the levels of a tensor are coded.

    Attributes:
        lanes: levels per block, at least 1.
        trellis: whether the quantiser of a level depends on those before it in its lane.
        scale_code: expected magnitude of the points, 0..127: quarter octaves from 2**-6 steps on.
    """

    lanes: int
    trellis: bool
    scale_code: int

    @classmethod
    def fitting(cls, levels: NDArray[np.int32], lanes: int, *, trellis: bool) -> Scan:
        """The scan with the scale of these levels [n]."""
        magnitudes = np.abs(all_points(levels, lanes, trellis))
        mean = (int(magnitudes.sum()) << SCALE_BITS) // max(len(levels), 1)
        mean = min(max(mean, 4), 7 << 31)
        octave = mean.bit_length() - 3
        return cls(lanes, trellis, 4 * octave + (mean >> octave) - 4)

    @property
    def scale(self) -> int:
        """What the code stands for, in 2**-8 steps."""
        return (4 + self.scale_code % 4) << (self.scale_code // 4)


def code_levels(
    coder: LevelCoder, model: LevelModel, levels: NDArray[np.int32], scan: Scan
) -> NDArray[np.int32]:
    """Codes the levels [n] of a tensor in either direction; a reader takes only their number.

    Raises:
        InvalidField: no writer makes such data.
        Truncated: the codeword ends too early for them.
    """
    coded = np.zeros_like(levels)
    state = np.zeros(scan.lanes, np.int64)
    average = np.full(scan.lanes, scan.scale, np.int64)
    before = average
    left = np.arange(scan.lanes) - 1
    right = left + 2 - scan.lanes
    for step, start in enumerate(range(0, len(levels), scan.lanes)):
        block = slice(start, start + scan.lanes)
        present = len(levels[block])
        around = (before[left] + 2 * before + before[right]) >> 2
        scale = (13 * average + around + (int(before.sum()) // scan.lanes + scan.scale)) >> 4
        odd = state[:present] & 1
        here = levels[block].astype(np.int64)
        coded[block] = _code_block(coder, model, here, scale[:present], odd)
        if present == scan.lanes:
            before = np.abs(points(coded[block], odd)) << SCALE_BITS
            average = average + (before - average) // min(step + FASTEST_AVERAGE, SLOWEST_AVERAGE)
            if scan.trellis:
                state = NEXT_STATE[state, coded[block] & 1]
    return coded


def _code_block(
    coder: LevelCoder, model: LevelModel, levels: Integers, scale: Integers, odd: Integers
) -> Integers:
    """Codes one block: all symbols, then the rest of all levels, then the escape codes."""
    expected = model.expect(scale, odd)
    shift = expected.shift
    magnitude = np.abs(levels)
    symbols = coder.symbols(np.minimum(magnitude >> shift, ESCAPE), expected.frequencies)
    model.update(expected, symbols)

    # What the symbol leaves open. A symbol 0 stands for the levels -(2**shift - 1)..2**shift - 1;
    # any other for a sign and `shift` low bits.
    low = (1 << shift) - 1
    inner = symbols == 0
    rest = np.where(inner, levels + low, ((levels < 0) << shift) | (magnitude & low))
    sizes = 2 * low + 2 - inner
    open_ = sizes > 1
    rest = rest * open_
    if open_.any():
        rest[open_] = coder.uniform(rest[open_], sizes[open_])

    if symbols.max() == ESCAPE:
        for place in np.flatnonzero(symbols == ESCAPE):
            excess = int(magnitude[place] >> shift[place]) - ESCAPE
            symbols[place] = ESCAPE + _code_excess(coder, max(excess, 0))
        if np.any(symbols << shift > MAX_PACKED_LEVEL):
            raise InvalidField(f"a level is beyond {MAX_PACKED_LEVEL}")
    outer = (symbols << shift) | (rest & low)
    coded: Integers = np.where(inner, rest - low, np.where(rest > low, -outer, outer))
    return coded


def _code_excess(coder: LevelCoder, excess: int) -> int:
    """Codes what an escaped magnitude has beyond the escape, in equiprobable bits."""

    def code_suffix(bits: int, count: int) -> int:
        coded = 0
        for index in reversed(range(count)):
            coded = (coded << 1) | coder.coin((bits >> index) & 1)
        return coded

    return code_exp_golomb(excess, lambda bit, _: coder.coin(bit), code_suffix, MAX_PREFIX)
