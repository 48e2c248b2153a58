"""Implements FORMAT.md section 6.1 for a range coder that counts in words: codewords of bytes.

The range coder is that of constriction (Bamler, "Understanding Entropy Coding With Asymmetric
Numeral Systems", arXiv 2201.01741, 2022), which counts in words of 32 bits; a codeword has bytes.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bitstream.coding.codeword import check_end, shortest_codeword
from bitstream.errors import InvalidField

try:
    from constriction import stream as stream
except ImportError:  # it has no wheels for this machine
    from bitstream.coding import plain_range as stream

PRECISION_BITS = 24
"""Frequencies of a symbol's probability table sum to 2**24."""
WORD_BYTES = 4
STATE_BYTES = 2 * WORD_BYTES
COIN = stream.model.Uniform(2)

ModelParameters = NDArray[np.float64] | NDArray[np.int32]


def written_bits(encoder: stream.queue.RangeEncoder) -> float:
    """Information that was written so far, in bits."""
    position, (_, width) = encoder.pos()
    bits: float = 8.0 * WORD_BYTES * position + 8 * STATE_BYTES - math.log2(width)
    return bits


def finish(encoder: stream.queue.RangeEncoder) -> bytes:
    """The shortest codeword of everything written."""
    words = encoder.get_compressed()
    if not len(words):
        return b""
    # constriction tells its final interval only modulo 2**64, counted after `position` words.
    # Its own choice of words lies inside the interval and supplies what the modulus removed.
    position, (lower, width) = encoder.pos()
    size = position * WORD_BYTES + STATE_BYTES
    inside = int.from_bytes(words.astype(">u4").tobytes().ljust(size, b"\0"), "big")
    low = inside - (inside - lower) % (1 << (8 * STATE_BYTES))
    return shortest_codeword(low, width, size)


class RangeReader:
    """Decodes a codeword; past its end it reads zeros, and not many.

    constriction's decoder does not tell how far it has read, but its encoder does how many words it
    has written: so what was decoded is encoded again, which takes a third of the time.
    """

    def __init__(self, data: bytes) -> None:
        words = data + bytes(-len(data) % WORD_BYTES)
        self._decoder = stream.queue.RangeDecoder(np.frombuffer(words, ">u4").astype(np.uint32))
        self._tally = stream.queue.RangeEncoder()
        self._size = len(data)

    def symbols(self, model: stream.model.Model, count: int) -> NDArray[np.int32]:
        """Decodes so many symbols of one model, int32 [count].

        Raises:
            InvalidField: no writer makes such data.
            Truncated: the codeword ends too early for them.
        """
        found = self._decode(model, count)
        self._tally.encode(found, model)
        self._check_end()
        return found

    def varied(self, family: stream.model.Model, parameters: ModelParameters) -> NDArray[np.int32]:
        """Decodes symbols, each with its own parameters [n ...] of a family of models, int32 [n].

        Raises:
            InvalidField, Truncated: as `symbols`.
        """
        found = self._decode(family, parameters)
        self._tally.encode(found, family, parameters)
        self._check_end()
        return found

    def coin(self) -> int:
        """Decodes an equiprobable bit.

        Raises:
            InvalidField, Truncated: as `symbols`.
        """
        return int(self.symbols(COIN, 1)[0])

    def _decode(self, model: stream.model.Model, what: int | ModelParameters) -> NDArray[np.int32]:
        try:
            found: NDArray[np.int32] = self._decoder.decode(model, what)
        except AssertionError as error:
            # How constriction reports a codeword outside of what its encoder can reach.
            raise InvalidField("the range-coded data is invalid") from error
        return found

    def _check_end(self) -> None:
        position, _ = self._tally.pos()
        check_end(position * WORD_BYTES + STATE_BYTES, self._size)
