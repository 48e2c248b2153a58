"""THE adaptive stage: what is decoded already corrects what the networks say of the next pixels.

Networks see values; how wrong they were themselves nearby they are not told.  So a channel of a
pass is coded in three steps, each from the errors of all before it.  A small network for each step
(`corrector`) says by how much its mean, its scale and its tails change.  It sees

- the single errors in 5x5 pixels, of this channel and of those before it, and how large they are;
- where errors of the channels before move the mean if this channel goes on together with them as it
  did nearby, which is a least-squares fit of one unknown in a window (cf. the "least-squares
  adaptive prediction" of Li & Orchard, "Edge-directed prediction for lossless compression of
  natural images", IEEE Trans. Image Processing 10(6), 2001);
- the same of the large network's own move away from the linear prediction;
- the mean error nearby, and the mean size (the error feedback and the contexts of CALIC, Wu &
  Memon, IEEE Trans. Communications 45(4), 1997).

No bit is sent for it.  Errors are counted in 1/64 of the scale that the network said, up to four
times that, so that all sums are small integers and no region outweighs another.  FORMAT.md section
14.7 has the formulas; the kernel computes the same (`kernel/correct.c`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from codec.networks.lossless.corrector import REACH, Case, Correctors, seen
from codec.networks.lossless.shape import CHANNELS, FRACTIONS, ODDS, PHASES, SCALES

OWN, MEAN, SCALE, LOG_ODDS = range(4)
"""Of a prediction: linear prediction and mean in 1/32 pixel value, raw log2 of the scale and raw
logarithm of the odds in 1/256."""
Predictions = NDArray[np.int32]
"""What the networks say of one channel of a pass: [R S 4], all on the grid of phase A."""
Traces = NDArray[np.int16]
"""What is kept of pixels: [h w 3 2], the error and the network's move, in 1/64 of the scale."""

TRACE_LIMIT = 256
"""Four times the scale."""
COUNT, SIZE, SUM, PAIRS = range(4)
"""Sums of a position: how many errors, their magnitudes, themselves; then pairs of products."""
NEARBY, WINDOW = (1, 1, 1), (1, 2, 3, 2, 1)
"""Weights of rows, and of columns: of the first three sums, and of the pairs."""
RIDGE = 2 * 64**2
"""Keeps a fit near 0 where there is little to tell."""
SLOPE_BITS = 10
TOLD_SHIFT = 8
"""Of slopes times traces, to what networks are told: 1/256 of the scale."""
MOVE_SHIFT = 13
"""Moves count 256 to a scale, of which a width has 1024, and means 32 to a pixel value."""

LOG2_COUNT = 10
"""Logarithms are taken of tenths of the scale, since the table's are of 1 and more."""


@dataclass(frozen=True, eq=False)
class Expected:
    """What the pixels of a step are coded with, in raster order.

    Attributes:
        said: mean, raw scale and raw odds, corrected: [n 3], in the units of `Predictions`.
        whole: whole pixel values of the mean, [n].
        table: of what is left of each pixel, uint16 [n].
    """

    said: NDArray[np.integer]
    whole: NDArray[np.integer]
    table: NDArray[np.uint16]


def rescale(values: NDArray[np.int64], shift: int) -> NDArray[np.int64]:
    """floor((x + 2^(shift-1)) / 2^shift)."""
    return (values + (1 << (shift - 1))) >> shift


def quotient(above: NDArray[np.int64], below: NDArray[np.int64]) -> NDArray[np.int64]:
    """Division, rounded to the nearest, halves away from 0; `below` is positive."""
    size: NDArray[np.int64] = (np.abs(above) + below // 2) // below
    return np.where(above < 0, -size, size)


def around(planes: NDArray[np.integer], weights: Sequence[int]) -> NDArray[np.int64]:
    """Sums over positions near each, by row and by column with these weights: [R S n]."""
    total = planes.astype(np.int64)
    for axis in (0, 1):
        total = np.moveaxis(total, axis, 0)
        size, reach = len(total), len(weights) // 2
        padded = np.pad(total, ((reach, reach), (0, 0), (0, 0)))
        parts = [weight * padded[n : n + size] for n, weight in enumerate(weights)]
        total = np.add.reduce(parts)
        total = np.moveaxis(total, 0, axis)
    return total


def widths(raw: NDArray[np.int64]) -> NDArray[np.int64]:
    """1024 times the scale and 0.3 pixel values, as rounding errors are counted in it."""
    quarters = scale_index(raw)
    mantissas = np.array([64, 76, 91, 108])  # of the quarters of an octave
    return 307 + (mantissas[quarters % 4] << (quarters // 4))


def scale_index(raw: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which of the scales of tables a raw logarithm is."""
    return np.clip(rescale(raw + 1280, 6), 0, SCALES - 1)


def table_index(
    mean: NDArray[np.int64], raw_scale: NDArray[np.int64], raw_odds: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.uint16]]:
    """What pixels are coded with: whole pixel values, and the tables of what is left."""
    eighths = rescale(mean, 2)
    whole = (eighths + FRACTIONS // 2) // FRACTIONS
    fraction = eighths - FRACTIONS * whole + FRACTIONS // 2
    odds = np.clip(rescale(3 * (raw_odds + 512), 10), 0, ODDS - 1)
    table = (odds * SCALES + scale_index(raw_scale)) * FRACTIONS + fraction
    return whole, table.astype(np.uint16)


def trace(difference: NDArray[np.int64], width: NDArray[np.int64]) -> NDArray[np.int16]:
    """1/32 pixel values -> 1/64 of the scale."""
    return np.clip(quotient(2048 * difference, width), -TRACE_LIMIT, TRACE_LIMIT).astype(np.int16)


def features(traces: Traces, channel: int) -> NDArray[np.int64]:
    """What a channel's error is fitted to: those of the channels before, and the move; [.. n]."""
    move = traces[..., channel, 1:]
    return np.concatenate([traces[..., :channel, 0], move], -1).astype(np.int64)


def products(traces: Traces, channel: int) -> NDArray[np.int64]:
    """For each feature its product with the channel's error, then its square: [.. 2n]."""
    seen = features(traces, channel)
    pairs = np.stack([seen * traces[..., channel, :1], seen * seen], -1)
    return pairs.reshape(*pairs.shape[:-2], 2 * pairs.shape[-2])


class Steps(Protocol):
    """The steps of one channel of a pass.

    Attributes:
        pixels: those that are known, [rows columns].
    """

    pixels: NDArray[np.int32]

    def expect(self, step: int) -> Expected:
        """What the pixels of a step are coded with."""

    def learn(self, step: int, found: NDArray[np.int32]) -> None:
        """Takes the pixels of a step, in raster order."""


def places_of(rows: int, columns: int) -> Sequence[NDArray[np.bool_]]:
    """Even rows and columns, odd rows and columns, and all others."""
    y, x = np.ogrid[:rows, :columns]
    return (y % 2 == 0) & (x % 2 == 0), (y % 2 == 1) & (x % 2 == 1), (y + x) % 2 == 1


class Correction:
    """The stage on one grid.

    Args:
        coarser: traces of phase A, [R S 3 2].
        size: rows and columns of the grid.
        loudness: 256 log2(1 + i), int16 [4096].
        correctors: the networks.

    Attributes:
        traces: of the grid, [2R 2S 3 2].
        sums: of each channel, int32 [R S 3+2n].
    """

    def __init__(
        self,
        coarser: Traces,
        size: tuple[int, int],
        loudness: NDArray[np.int16],
        correctors: Correctors,
    ) -> None:
        rows, columns = coarser.shape[:2]
        self.traces = np.zeros((2 * rows, 2 * columns, CHANNELS, 2), np.int16)
        self.traces[::2, ::2] = coarser
        self.size, self.loudness, self.correctors = size, loudness, correctors
        self.sums = [
            np.zeros((rows, columns, PAIRS + 2 * (channel + 1)), np.int32)
            for channel in range(CHANNELS)
        ]
        self.begin()

    def begin(self) -> None:
        """Adds what phase A tells: how channels go together, but not how large errors are."""
        for channel, sums in enumerate(self.sums):
            sums[..., PAIRS:] = products(self.traces[::2, ::2], channel)

    def inside(self, index: int) -> tuple[int, int]:
        """Rows and columns of the phase of a pass that lie in the grid."""
        (row, column), (height, width) = PHASES[index], self.size
        return (height - row + 1) // 2, (width - column + 1) // 2

    def channel(self, index: int, channel: int, predictions: Predictions) -> Steps:
        """One channel of a pass, given what the networks say; channels and passes come in turn."""
        return ChannelSteps(self, index, channel, predictions)


class ChannelSteps:
    """See `Steps`."""

    def __init__(
        self, stage: Correction, index: int, channel: int, predictions: Predictions
    ) -> None:
        (row, column), (rows, columns) = PHASES[index], stage.inside(index)
        self._index, self._channel, self._correctors = index, channel, stage.correctors
        self._loudness = stage.loudness.astype(np.int64)
        self._cells = np.s_[:rows, :columns]
        self._sums, self._whole = stage.sums[channel], stage.traces
        self._traces = stage.traces[row::2, column::2][self._cells]
        self._said = predictions[self._cells].astype(np.int64)
        self.width = widths(self._said[..., SCALE])
        moves = trace(self._said[..., OWN] - self._said[..., MEAN], self.width)
        self._traces[..., channel, 1] = moves
        self.places = places_of(rows, columns)
        self.pixels = np.zeros((rows, columns), np.int32)

    def expect(self, step: int) -> Expected:
        """See `Steps`."""
        place = self.places[step]
        corrector = self._correctors[self._index, self._channel, step]
        moved, louder, odds = corrector(self.inputs(step)).T
        said = self._said[place]
        mean = said[:, MEAN] + rescale(moved * self.width[place], MOVE_SHIFT)
        corrected = np.stack([mean, said[:, SCALE] + louder, said[:, LOG_ODDS] + odds], 1)
        return Expected(corrected, *table_index(*corrected.T))

    def inputs(self, step: int) -> NDArray[np.int64]:
        """What the network of a step is told of each pixel: [n k].

        Single errors and the logarithms of their sizes; the move and that of its size; what follows
        from the errors of the channels before and from the move; the mean error nearby and the
        logarithm of the mean size; raw scale and odds.
        """
        place = self.places[step]
        errors = self._errors((self._index, self._channel, step))
        near = around(self._sums[..., :PAIRS], NEARBY)[self._cells][place].T
        fits = around(self._sums[..., PAIRS:], WINDOW)[self._cells][place].T
        slopes = quotient(fits[::2] << SLOPE_BITS, fits[1::2] + RIDGE)
        slopes = np.clip(slopes, -1 << SLOPE_BITS, 1 << SLOPE_BITS)
        told = slopes * features(self._traces[place], self._channel).T
        move = self._traces[place][:, self._channel, 1:].astype(np.int64)
        rest = [
            rescale(told[:-1].sum(0), TOLD_SHIFT),
            rescale(told[-1], TOLD_SHIFT),
            rescale(quotient(near[SUM] << SLOPE_BITS, near[COUNT] + 1), TOLD_SHIFT),
            self._loud(near[SIZE]) - self._loudness[LOG2_COUNT * near[COUNT]],
            self._said[place][:, SCALE],
            self._said[place][:, LOG_ODDS],
        ]
        sized = [errors, self._loud(errors), move, self._loud(move)]
        return np.concatenate([*sized, np.stack(rest, 1)], 1)

    def _errors(self, case: Case) -> NDArray[np.int64]:
        """Single errors around the pixels of a step, 0 outside of the grid: [n k]."""
        rows, columns = np.nonzero(self.places[case[2]])
        row, column = PHASES[self._index]
        reach = ((REACH, REACH), (REACH, REACH), (0, 0))
        padded = np.pad(self._whole[..., 0], reach)
        rows, columns = 2 * rows + row + REACH, 2 * columns + column + REACH
        parts = [padded[rows + y, columns + x, channel] for channel, (y, x) in seen(case)]
        return np.array(parts, np.int64).reshape(len(parts), -1).T

    def _loud(self, traces: NDArray[np.int64]) -> NDArray[np.int64]:
        return self._loudness[rescale(LOG2_COUNT * np.abs(traces), 6)]

    def learn(self, step: int, found: NDArray[np.int32]) -> None:
        """See `Steps`."""
        place = self.places[step]
        self.pixels[place] = found
        errors = trace(32 * found.astype(np.int64) - self._said[place][:, MEAN], self.width[place])
        self._traces[place, self._channel, 0] = errors
        sums = self._sums[self._cells]
        sums[place, COUNT] += 1
        sums[place, SIZE] += np.abs(errors)
        sums[place, SUM] += errors
        sums[place, PAIRS:] += products(self._traces[place], self._channel)
