"""Implements FORMAT.md section 6.1 for a range coder that counts in words: codewords of bytes.

The range coder is that of constriction (Bamler, "Understanding Entropy Coding With Asymmetric
Numeral Systems", arXiv 2201.01741, 2022), which counts in words of 32 bits; a codeword has bytes.
"""

from __future__ import annotations

import math

import numpy as np
from constriction import stream

from bitstream.coding.codeword import shortest_codeword

PRECISION_BITS = 24
"""Frequencies of a symbol's probability table sum to 2**24."""
WORD_BYTES = 4
STATE_BYTES = 2 * WORD_BYTES


def written_bits(encoder: stream.queue.RangeEncoder) -> float:
    """Information that was written so far, in bits."""
    position, (_, width) = encoder.pos()
    return 8.0 * WORD_BYTES * position + 8 * STATE_BYTES - math.log2(width)


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


def start_decoder(data: bytes) -> stream.queue.RangeDecoder:
    """A decoder of a codeword; past its end it reads zeros."""
    words = data + bytes(-len(data) % WORD_BYTES)
    return stream.queue.RangeDecoder(np.frombuffer(words, ">u4").astype(np.uint32))
