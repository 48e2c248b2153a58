"""Implements FORMAT.md sections 6 and 7: latents in one range-coded codeword.

The range coder (`bitstream.coding.range_coder`) works on probabilities that are integers from end
to end.

Writer and reader have the same method, so that one scan over the latents drives either: `code`
takes values and returns values. The writer writes what it is given and returns it; the reader takes
only the shape of what it is given and returns what was written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bitstream.coding import range_coder
from bitstream.coding.golomb import code_exp_golomb
from bitstream.coding.range_coder import COIN, PRECISION_BITS, RangeReader, stream
from bitstream.errors import InvalidField, LimitExceeded
from bitstream.limits import MAX_ESCAPE_PREFIX


@dataclass(frozen=True, eq=False)
class CdfTables:
    """Integer probability tables.

    Attributes:
        frequencies: one int64 [2 R + 2] per table: the frequencies of -R, ..., R and of the escape
            symbol, each at least 1, their sum 2**24. R may differ between tables, 0 included.

    Raises:
        InvalidField: a table breaks one of these rules.
    """

    frequencies: tuple[NDArray[np.int64], ...]

    def __post_init__(self) -> None:
        for index, table in enumerate(self.frequencies):
            if table.ndim != 1 or len(table) < 2 or len(table) % 2:
                raise InvalidField(f"probability table {index} has shape {table.shape}")
            if table.dtype != np.int64 or table.min() < 1 or table.sum() != 1 << PRECISION_BITS:
                raise InvalidField(
                    f"probability table {index} is not of positive int64 with sum 2**24"
                )

    @cached_property
    def radii(self) -> NDArray[np.int64]:
        """R of every table, int64 [tables]."""
        return np.array([len(table) // 2 - 1 for table in self.frequencies], np.int64)

    @cached_property
    def models(self) -> tuple[stream.model.Categorical, ...]:
        """The tables as constriction takes them.

        For n probabilities q of sum Q constriction gives symbol i the left cumulative
        floor((q[0] + ... + q[i-1]) * ((2**24 - n) / Q)) + i. With q = frequency - 1 the factor is
        exactly 1 and all sums are integers that float64 holds exactly: nothing is rounded, and
        the symbol gets exactly its frequency.
        """
        return tuple(
            stream.model.Categorical((table - 1).astype(np.float64), perfect=False)
            for table in self.frequencies
        )


class SymbolCoder(Protocol):
    """What a scan needs to know of the writer and the reader."""

    def code(self, values: NDArray[np.int32], table: NDArray[np.integer]) -> NDArray[np.int32]:
        """Codes all `values`, each with the table of that index.

        Args:
            values: int32, any shape.
            table: integer, same shape, 0 <= table < number of tables.

        Returns:
            The values, int32, same shape.
        """


class SymbolWriter:
    """Writes latents into one codeword."""

    def __init__(self, tables: CdfTables) -> None:
        self._tables = tables
        self._encoder = stream.queue.RangeEncoder()

    def code(self, values: NDArray[np.int32], table: NDArray[np.integer]) -> NDArray[np.int32]:
        """Writes `values`, returns them; see `SymbolCoder.code`.

        Raises:
            LimitExceeded: a value is too large even for an escape, beyond about 2**25.
        """
        flat, tables = values.ravel(), table.ravel()
        escapes = []
        for index, where in _by_table(tables):
            radius = self._tables.radii[index]
            found = flat[where].astype(np.int64)
            outside = np.abs(found) > radius
            found[outside] = radius + 1
            self._encoder.encode((found + radius).astype(np.int32), self._tables.models[index])
            escapes.append(where[outside])
        for place in np.sort(np.concatenate([np.empty(0, np.intp), *escapes])):
            radius = self._tables.radii[tables[place]]
            _code_escape(int(flat[place]), int(radius), self._coin)
        return values

    def finish(self) -> bytes:
        """The shortest codeword of everything written."""
        return range_coder.finish(self._encoder)

    def _coin(self, bit: int) -> int:
        self._encoder.encode(bit, COIN)
        return bit


class SymbolReader:
    """Reads the latents of one codeword."""

    def __init__(self, data: bytes, tables: CdfTables) -> None:
        self._tables = tables
        self._reader = RangeReader(data)

    def code(self, values: NDArray[np.int32], table: NDArray[np.integer]) -> NDArray[np.int32]:
        """Returns as many values as `values` has; see `SymbolCoder.code`.

        Raises:
            InvalidField: no writer makes such data.
            Truncated: the codeword ends too early for them.
        """
        flat, tables = np.empty(values.size, np.int32), table.ravel()
        escapes = []
        for index, where in _by_table(tables):
            radius = self._tables.radii[index]
            found = self._reader.symbols(self._tables.models[index], len(where)) - radius
            flat[where] = found
            escapes.append(where[found > radius])
        for place in np.sort(np.concatenate([np.empty(0, np.intp), *escapes])):
            radius = self._tables.radii[tables[place]]
            flat[place] = _code_escape(0, int(radius), lambda _: self._reader.coin())
        return flat.reshape(values.shape)


def _by_table(table: NDArray[np.integer]) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Each table in use, ascending, with its places in order.  table: [n]."""
    order = np.argsort(table, kind="stable")
    counts = np.bincount(table)
    stops = np.cumsum(counts)
    for index in np.flatnonzero(counts).tolist():
        yield index, order[stops[index] - counts[index] : stops[index]]


def _code_escape(value: int, radius: int, coin: Callable[[int], int]) -> int:
    """Codes a value outside -radius..radius in equiprobable bits: sign, then magnitude.

    Raises:
        LimitExceeded: the value cannot be written.
        InvalidField: the value read is not valid.
    """
    excess = max(abs(value) - radius - 1, 0)
    if (excess + 1) >> (MAX_ESCAPE_PREFIX + 1):
        raise LimitExceeded(f"latent {value} is too large to be coded")

    def code_suffix(bits: int, count: int) -> int:
        coded = 0
        for index in reversed(range(count)):
            coded = (coded << 1) | coin((bits >> index) & 1)
        return coded

    negative = coin(int(value < 0))
    excess = code_exp_golomb(excess, lambda bit, _: coin(bit), code_suffix, MAX_ESCAPE_PREFIX)
    magnitude = excess + radius + 1
    return -magnitude if negative else magnitude
