"""Implements FORMAT.md sections 9.4 and 9.5: an adaptive binary arithmetic coder.

The interval [low, low + range) is kept as integers; a decision splits it in proportion to the
probability of a one (Rissanen & Langdon, "Arithmetic Coding", IBM J. Res. Dev. 23(2), 1979). The
carry is added into the bytes already written. Probabilities are the mean of a fast and a slow
exponential average, as in the entropy coder of H.266/VVC (clause 9.3.4.3), both with a warm-up.

Encoder and decoder have the same methods, so that one walk over the data drives either: a method
takes a value and returns a value. The encoder writes what it is given and returns it; the decoder
ignores what it is given and returns what was written.
"""

from __future__ import annotations

from typing import Protocol

from bitstream.coding.codeword import check_end, shortest_codeword

PROBABILITY_BITS = 16
RANGE_BITS = 32
RANGE_FLOOR = 1 << (RANGE_BITS - 8)

FAST_SHIFT = 5
SLOW_SHIFT = 9
WARM_UP = tuple(
    (min(FAST_SHIFT, shift), min(SLOW_SHIFT, shift))
    for shift in ((count + 2).bit_length() for count in range(1 << (SLOW_SHIFT - 1)))
)
"""Shifts (fast, slow) of the update after `index` bits; the last entry holds from then on."""


class Context:
    """An adaptive probability of a one.

    Invariant (OPEN): 0 < fast, slow < 2**16, because an update moves an average by at most a
    quarter of its distance from the end that it approaches, rounded down. So no decision ever
    has probability 0 or 1.
    """

    __slots__ = ("count", "fast", "slow")

    def __init__(self, probability: int) -> None:
        """Starts at `probability` / 2**16, 1..65535."""
        self.fast = probability
        self.slow = probability
        self.count = 0

    def update(self, bit: int) -> None:
        """Moves both averages towards `bit`."""
        fast_shift, slow_shift = WARM_UP[self.count]
        if bit:
            self.fast += ((1 << PROBABILITY_BITS) - self.fast) >> fast_shift
            self.slow += ((1 << PROBABILITY_BITS) - self.slow) >> slow_shift
        else:
            self.fast -= self.fast >> fast_shift
            self.slow -= self.slow >> slow_shift
        if self.count < len(WARM_UP) - 1:
            self.count += 1


class BinaryCoder(Protocol):
    """What a walk needs to know of the encoder and the decoder."""

    def code(self, bit: int, context: Context) -> int:
        """Codes one decision, 0 or 1, with an adaptive probability."""

    def choose(self, bit: int, probability: int) -> int:
        """Codes one decision; a one has a probability of 1..65535 parts of 2**16."""

    def bypass(self, value: int, count: int) -> int:
        """Codes the `count` low bits of `value`, most significant first, each equiprobable."""


class BinaryEncoder:
    """Writes decisions into one codeword."""

    def __init__(self) -> None:
        # Invariant (WIDE): RANGE_FLOOR <= range <= 2**32 between calls.
        # Invariant (LOW): 0 <= low < 2**32 between calls.
        self._low = 0
        self._range = 1 << RANGE_BITS
        self._bytes = bytearray()

    def code(self, bit: int, context: Context) -> int:
        """Writes `bit`, returns it."""
        # By OPEN the probability is one that `choose` takes.
        self.choose(bit, (context.fast + context.slow) >> 1)
        context.update(bit)
        return bit

    def choose(self, bit: int, probability: int) -> int:
        """Writes `bit`, returns it."""
        # By WIDE both parts of the split are positive.
        ones = (self._range >> PROBABILITY_BITS) * probability
        if bit:
            self._range = ones
        else:
            self._low += ones
            self._range -= ones
        self._renormalize()
        return bit

    def bypass(self, value: int, count: int) -> int:
        """Writes the `count` low bits of `value`, returns them."""
        for index in reversed(range(count)):
            self._range >>= 1
            if (value >> index) & 1:
                self._low += self._range
            self._renormalize()
        return value

    def finish(self) -> bytes:
        """The shortest codeword of everything written."""
        written = bytes(self._bytes) + self._low.to_bytes(RANGE_BITS // 8, "big")
        return shortest_codeword(int.from_bytes(written, "big"), self._range, len(written))

    def _renormalize(self) -> None:
        """Restores LOW, then WIDE."""
        if self._low >> RANGE_BITS:
            self._low -= 1 << RANGE_BITS
            self._carry()
        while self._range < RANGE_FLOOR:
            self._bytes.append(self._low >> (RANGE_BITS - 8))
            self._low = (self._low << 8) & ((1 << RANGE_BITS) - 1)
            self._range <<= 8

    def _carry(self) -> None:
        # The number in `_bytes` and `_low` stays below 1, so some byte is not 0xFF.
        index = len(self._bytes) - 1
        while self._bytes[index] == 0xFF:
            self._bytes[index] = 0
            index -= 1
        self._bytes[index] += 1


class BinaryDecoder:
    """Reads the decisions of one codeword.

    Any bytes decode to something, until `Truncated` says that there were too few of them.
    """

    def __init__(self, data: bytes) -> None:
        # Invariant (INSIDE): 0 <= offset < range; offset is the codeword's distance from low.
        self._range = 1 << RANGE_BITS
        self._offset = int.from_bytes(data[: RANGE_BITS // 8].ljust(RANGE_BITS // 8, b"\0"), "big")
        self._data = data
        self._position = RANGE_BITS // 8

    def code(self, bit: int, context: Context) -> int:
        """Returns the decision that was written; `bit` is ignored."""
        decoded = self.choose(bit, (context.fast + context.slow) >> 1)
        context.update(decoded)
        return decoded

    def choose(self, bit: int, probability: int) -> int:
        """Returns the decision that was written; `bit` is ignored."""
        ones = (self._range >> PROBABILITY_BITS) * probability
        if self._offset < ones:
            decoded = 1
            self._range = ones
        else:
            decoded = 0
            self._offset -= ones
            self._range -= ones
        self._renormalize()
        return decoded

    def bypass(self, value: int, count: int) -> int:
        """Returns the `count` bits that were written; `value` is ignored."""
        decoded = 0
        for _ in range(count):
            self._range >>= 1
            bit = self._offset >= self._range
            self._offset -= self._range * bit
            decoded = (decoded << 1) | bit
            self._renormalize()
        return decoded

    def _renormalize(self) -> None:
        while self._range < RANGE_FLOOR:
            following = self._data[self._position] if self._position < len(self._data) else 0
            self._offset = (self._offset << 8) | following
            self._range <<= 8
            self._position += 1
            check_end(self._position, len(self._data))
