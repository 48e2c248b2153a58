"""Implements FORMAT.md section 6.1: the codeword, common to both arithmetic coders.

An arithmetic coder narrows an interval of [0, 1) and transmits any number inside it. Here the
number is a codeword: bytes b0 b1 b2 ... stand for b0/256 + b1/256**2 + b2/256**3 + ... A reader
takes zeros past the end, so trailing zero bytes carry nothing and are never written.
"""

from __future__ import annotations


def shortest_codeword(low: int, width: int, size: int) -> bytes:
    """The fewest bytes that name a number in [low, low + width) / 256**size.

    Args:
        low: lower end, 0 <= low and low + width <= 256**size.
        width: length of the interval, at least 1.
        size: number of bytes in which `low` is counted.

    Returns:
        At most `size` bytes, the last of them not zero.
    """
    zeroed_bits = 0
    while zeroed_bits < 8 * size and _round_up(low, zeroed_bits + 8) < low + width:
        zeroed_bits += 8
    value = _round_up(low, zeroed_bits)
    return value.to_bytes(size, "big").rstrip(b"\0")


def _round_up(value: int, bits: int) -> int:
    """The smallest multiple of 2**bits that is not below `value`."""
    return -(-value >> bits) << bits
