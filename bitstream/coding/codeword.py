"""Implements FORMAT.md section 6.1: the codeword, common to both arithmetic coders.

An arithmetic coder narrows an interval of [0, 1) and transmits any number inside it. Here the
number is a codeword: bytes b0 b1 b2 ... stand for b0/256 + b1/256**2 + b2/256**3 + ... A reader
takes zeros past the end, so trailing zero bytes carry nothing. They are only written where a reader
would otherwise go further past the end than it accepts: without that rule a few bytes could keep it
at work for as long as the picture that they claim is large.
"""

from __future__ import annotations

from bitstream.errors import Truncated
from bitstream.limits import MAX_BYTES_PAST_END


def shortest_codeword(low: int, width: int, size: int) -> bytes:
    """The fewest bytes that name a number in [low, low + width) / 256**size.

    Args:
        low: lower end, 0 <= low and low + width <= 256**size.
        width: length of the interval, at least 1.
        size: number of bytes in which `low` is counted, which are those that a reader reads.

    Returns:
        At most `size` bytes, and no more zeros at their end than `check_end` asks for.
    """
    zeroed_bits = 0
    while zeroed_bits < 8 * size and _round_up(low, zeroed_bits + 8) < low + width:
        zeroed_bits += 8
    value = _round_up(low, zeroed_bits)
    shortest = value.to_bytes(size, "big").rstrip(b"\0")
    return shortest.ljust(size - MAX_BYTES_PAST_END, b"\0")


def check_end(read: int, size: int) -> None:
    """Refuses a codeword of `size` bytes of which so many were read, zeros past its end included.

    Raises:
        Truncated: they are more than any writer leaves out.
    """
    if read > size + MAX_BYTES_PAST_END:
        raise Truncated(
            f"truncated: a codeword of {size} bytes was read more than {MAX_BYTES_PAST_END} bytes "
            "past its end"
        )


def _round_up(value: int, bits: int) -> int:
    """The smallest multiple of 2**bits that is not below `value`."""
    return -(-value >> bits) << bits
