"""The entropy coders of FORMAT.md: sections 6, 7 and 9.4 to 9.6, for `decoder`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.int64]


class DecodeError(ValueError):
    """The file is not valid.

    Attributes:
        section: of FORMAT.md, with the rule that the file breaks.
    """

    def __init__(self, section: str, message: str) -> None:
        super().__init__(f"{message} (section {section})")
        self.section = section


def require(condition: bool | np.bool_, section: str, message: str) -> None:
    if not condition:
        raise DecodeError(section, message)


# 6 Range coder


class Codeword:
    """6.1: bytes with 16 zeros after them."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def take(self, size: int) -> int:
        """The next bytes as a number, the first most significant."""
        found = self.data[self.position : self.position + size]
        self.position += size
        require(self.position <= len(self.data) + 16, "6.1", "the codeword is too short")
        return int.from_bytes(found.ljust(size, b"\0"), "big")


class RangeDecoder:
    """6.2: decodes symbols from their frequencies."""

    def __init__(self, payload: bytes) -> None:
        self.codeword = Codeword(payload)
        self.low = 0
        self.range = 2**64 - 1
        self.point = self.codeword.take(8)

    def symbol(self, below: Array) -> int:
        """Decodes a symbol.

        Args:
            below: f[0] + ... + f[s-1] for each symbol s, and the sum of all at the end.
        """
        scale = self.range >> 24
        quantile = ((self.point - self.low) % 2**64) // scale
        require(quantile < 2**24, "6.2", "not a codeword")
        symbol = int(np.searchsorted(below, quantile, side="right")) - 1
        self.low = (self.low + scale * int(below[symbol])) % 2**64
        self.range = scale * int(below[symbol + 1] - below[symbol])
        if self.range < 2**32:
            self.low = (self.low * 2**32) % 2**64
            self.range *= 2**32
            self.point = (self.point * 2**32) % 2**64 + self.codeword.take(4)
        return symbol

    def coin(self) -> int:
        return self.symbol(np.array([0, 2**23, 2**24]))


# 7 Probability tables and escapes


def decode_call(decoder: RangeDecoder, tables: Array, below: list[Array]) -> Array:
    """7.2: decodes the values of one call.

    Args:
        tables: number of the table of each value.
        below: for each table, what `RangeDecoder.symbol` takes.
    """
    symbols = np.zeros_like(tables)
    for table in np.unique(tables):
        for index in np.flatnonzero(tables == table):
            symbols[index] = decoder.symbol(below[table])
    values = np.zeros_like(tables)
    for index, (symbol, table) in enumerate(zip(symbols, tables, strict=True)):
        radius = (len(below[table]) - 3) // 2
        if symbol == 2 * radius + 1:
            sign = -1 if decoder.coin() else 1
            excess = exp_golomb(lambda _: decoder.coin(), decoder.coin, 24, "7.2")
            values[index] = sign * (excess + radius + 1)
        else:
            values[index] = symbol - radius
    return values


def exp_golomb(
    prefix_bit: Callable[[int], int], suffix_bit: Callable[[], int], longest: int, section: str
) -> int:
    """7.3: decodes a number.

    Args:
        prefix_bit: decodes the bit of the prefix at a position.
        suffix_bit: decodes the next bit of the suffix.
        longest: prefix that is valid.
        section: with the rule about the longest prefix.
    """
    length = 0
    while prefix_bit(length):
        length += 1
        require(length <= longest, section, "a prefix is too long")
    number = 1
    for _ in range(length):
        number = 2 * number + suffix_bit()
    return number - 1


# 9 Weight update


class Context:
    """9.5: an adaptive probability of a one."""

    def __init__(self, initial: int) -> None:
        self.fast = self.slow = initial
        self.count = 0

    def adapt(self, bit: int) -> None:
        warm = (self.count + 2).bit_length()
        a, b = min(5, warm), min(9, warm)
        if bit:
            self.fast += (2**16 - self.fast) >> a
            self.slow += (2**16 - self.slow) >> b
        else:
            self.fast -= self.fast >> a
            self.slow -= self.slow >> b
        self.count = min(self.count + 1, 255)


class BinaryDecoder:
    """9.4: decodes bits in contexts, and bypass bits."""

    def __init__(self, payload: bytes) -> None:
        self.codeword = Codeword(payload)
        self.range = 2**32
        self.offset = self.codeword.take(4)

    def bit(self, context: Context) -> int:
        bit = self.bit_of((context.fast + context.slow) >> 1)
        context.adapt(bit)
        return bit

    def bit_of(self, probability: int) -> int:
        """A bit that is 1 with a probability in units of 2**-16."""
        ones = (self.range >> 16) * probability
        bit = int(self.offset < ones)
        if bit:
            self.range = ones
        else:
            self.range -= ones
            self.offset -= ones
        self.renormalise()
        return bit

    def bypass(self) -> int:
        self.range >>= 1
        bit = int(self.offset >= self.range)
        if bit:
            self.offset -= self.range
        self.renormalise()
        return bit

    def renormalise(self) -> None:
        while self.range < 2**24:
            self.range *= 256
            self.offset = self.offset * 256 + self.codeword.take(1)


class LevelDecoder:
    """9.6: decodes the levels of tensors."""

    def __init__(self, decoder: BinaryDecoder) -> None:
        self.decoder = decoder
        self.row = Context(0x8000)
        self.significant = {
            kind: [Context(0x0800), Context(0x3000), Context(0x6000)] for kind in ("bias", "kernel")
        }
        self.greater = [Context(0x6000) for _ in range(3)]
        self.prefix = [Context(0x8000) for _ in range(15)]

    def tensor(self, rows: int, columns: int) -> Array:
        levels = np.zeros((rows, columns), np.int64)
        significant = self.significant["bias" if rows == 1 else "kernel"]
        for row in levels:
            if not self.decoder.bit(self.row):
                continue
            for column in range(columns):
                before = np.count_nonzero(row[max(column - 2, 0) : column])
                implied = column == columns - 1 and not row.any()
                if implied or self.decoder.bit(significant[before]):
                    row[column] = self.level()
        return levels

    def level(self) -> int:
        """A level that is not 0."""
        negative = self.decoder.bypass()
        magnitude = 1
        while magnitude < 4 and self.decoder.bit(self.greater[magnitude - 1]):
            magnitude += 1
        if magnitude == 4:
            magnitude += exp_golomb(
                lambda position: self.decoder.bit(self.prefix[position]),
                self.decoder.bypass,
                14,
                "9.6",
            )
        require(magnitude < 2**15, "9.6", "a level is too large")
        return -magnitude if negative else magnitude
