"""What of constriction is used here, in Python alone: for machines that it has no wheels for.

The range coder of FORMAT.md section 6.2, with words of 32 bits and probabilities of 24.  The kernel
reads the symbols of pictures, so that a decoder comes here for updates alone.  Names and arguments
are those of `constriction.stream`, as far as `bitstream` uses them:
`tests/bitstream/test_plain_range.py` compares both.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

_PRECISION, _WORD = 24, 32
"""Bits."""
LARGEST_WORD, LARGEST_STATE = 2**32 - 1, 2**64 - 1

Interval = tuple[int, int]
"""Left end and width, in units of 2**-24."""


class Distribution(Protocol):
    """Of symbols 0, 1, ..."""

    def interval(self, symbol: int) -> Interval:
        """Of a symbol."""

    def symbol(self, quantile: int) -> int:
        """The symbol whose interval has it."""


class Categorical:
    """Symbols with given frequencies, or the family of all such models.

    Args:
        weights: frequencies of sum 2**24, each less one; None for the family.
        perfect: as constriction has it, which then approximates other weights.
    """

    def __init__(
        self, weights: NDArray[np.float64] | None = None, *, perfect: bool = False
    ) -> None:
        if weights is not None:
            self._ends: list[int] = np.cumsum(weights.astype(np.int64) + 1).tolist()

    def of(self, weights: NDArray[np.float64]) -> Categorical:
        """A member of the family."""
        return Categorical(weights)

    def interval(self, symbol: int) -> Interval:
        """See `Distribution`."""
        left = self._ends[symbol - 1] if symbol else 0
        return left, self._ends[symbol] - left

    def symbol(self, quantile: int) -> int:
        """See `Distribution`."""
        return bisect_right(self._ends, quantile)


class Uniform:
    """Symbols of one probability; the last one has what division leaves.

    Args:
        size: number of symbols; None for the family.
    """

    def __init__(self, size: int | None = None) -> None:
        if size is not None:
            self._size, self._width = size, (1 << _PRECISION) // size

    def of(self, size: int) -> Uniform:
        """A member of the family."""
        return Uniform(int(size))

    def interval(self, symbol: int) -> Interval:
        """See `Distribution`."""
        left = symbol * self._width
        last = symbol == self._size - 1
        return left, (1 << _PRECISION) - left if last else self._width

    def symbol(self, quantile: int) -> int:
        """See `Distribution`."""
        return min(quantile // self._width, self._size - 1)


Family = Categorical | Uniform


def _models(
    model: Family, count: int, parameters: Sequence[object] | None
) -> Iterable[Distribution]:
    """The model of each symbol: one for all, or members of a family."""
    if parameters is None:
        return (model for _ in range(count))
    return (model.of(value) for value in parameters)  # type: ignore[arg-type]  # those of its kind


class RangeEncoder:
    """Writes symbols."""

    def __init__(self) -> None:
        self._words: list[int] = []
        self._low, self._width = 0, LARGEST_STATE

    def encode(
        self,
        symbols: int | NDArray[np.int32],
        model: Family,
        parameters: Sequence[object] | None = None,
    ) -> None:
        """Writes one symbol or several, of one model or of members of a family."""
        values = np.atleast_1d(symbols).tolist()
        for value, its in zip(values, _models(model, len(values), parameters), strict=True):
            left, width = its.interval(value)
            scale = self._width >> _PRECISION
            self._width = scale * width
            self._low += scale * left
            if self._low > LARGEST_STATE:
                self._carry()
            if self._width <= LARGEST_WORD:
                self._words.append(self._low >> _WORD)
                self._low = self._low << _WORD & LARGEST_STATE
                self._width <<= _WORD

    def _carry(self) -> None:
        """Adds one to the words that are written."""
        self._low &= LARGEST_STATE
        place = len(self._words) - 1
        while self._words[place] == LARGEST_WORD:
            self._words[place] = 0
            place -= 1
        self._words[place] += 1

    def pos(self) -> tuple[int, Interval]:
        """Words so far, and the interval after them: its lower end modulo 2**64, and its width."""
        return len(self._words), (self._low, self._width)

    def get_compressed(self) -> NDArray[np.uint32]:
        """Words of a number in the interval; none if nothing was written."""
        if not self._words and self._width == LARGEST_STATE:
            return np.zeros(0, np.uint32)
        return np.array([*self._words, self._low >> _WORD, self._low & LARGEST_WORD], np.uint32)


class RangeDecoder:
    """Reads symbols.

    Args:
        words: of the codeword; after them come zeros.
    """

    def __init__(self, words: NDArray[np.uint32]) -> None:
        self._words = iter(words.tolist())
        self._width = LARGEST_STATE
        self._above = next(self._words, 0) << _WORD | next(self._words, 0)

    def decode(self, model: Family, what: int | NDArray[np.generic]) -> NDArray[np.int32]:
        """Reads so many symbols of one model, or one of each member of a family.

        Raises:
            AssertionError: no encoder writes such words.
        """
        found: list[int] = []
        if isinstance(what, int):
            models = _models(model, what, None)
        else:
            models = _models(model, len(what), list(what))
        for its in models:
            scale = self._width >> _PRECISION
            quantile = self._above // scale
            if quantile >> _PRECISION:
                raise AssertionError("invalid data")
            found.append(its.symbol(quantile))
            left, width = its.interval(found[-1])
            self._above -= scale * left
            self._width = scale * width
            if self._width <= LARGEST_WORD:
                self._above = self._above << _WORD | next(self._words, 0)
                self._width <<= _WORD
        return np.array(found, np.int32)


queue = SimpleNamespace(RangeEncoder=RangeEncoder, RangeDecoder=RangeDecoder)
model = SimpleNamespace(Categorical=Categorical, Uniform=Uniform)
