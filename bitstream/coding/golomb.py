"""Implements FORMAT.md section 7.3: Exp-Golomb codes of order 0, for rare large magnitudes.

`value + 1` has L + 1 binary digits: L ones and a zero say so (the prefix), then follow its L
digits after the leading one (the suffix). After Teuhola, "A compression method for clustered
bit-vectors", Information Processing Letters 7(6), 1978.
"""

from __future__ import annotations

from collections.abc import Callable

from bitstream.errors import InvalidField


def code_exp_golomb(
    value: int,
    code_prefix: Callable[[int, int], int],
    code_suffix: Callable[[int, int], int],
    max_prefix: int,
) -> int:
    """Codes one number in either direction.

    Both callables return the value that they coded; a reader's ignore the one that they are given,
    and then `value` does not matter either.

    Args:
        value: the number, 0 <= value < 2**(max_prefix + 1) - 1.
        code_prefix: codes a bit, given it and its position in the prefix, 0..max_prefix.
        code_suffix: codes the low bits of a number, given it and how many.
        max_prefix: longest prefix.

    Returns:
        The number.

    Raises:
        InvalidField: the prefix is longer than `max_prefix`.
    """
    digits = (value + 1).bit_length() - 1
    length = 0
    while code_prefix(int(length < digits), length):
        length += 1
        if length > max_prefix:
            raise InvalidField(f"an Exp-Golomb prefix is longer than {max_prefix} bits")
    suffix = (value + 1) & ((1 << length) - 1)
    return (1 << length) + code_suffix(suffix, length) - 1
