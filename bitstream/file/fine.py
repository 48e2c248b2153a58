"""Implements FORMAT.md section 14.8: the payload of a FINE chunk.

depth     u8         bits of a value, 8..16
rule      u8         how values become samples
kind      u8         1 for one channel, + 2 for weights of its own; not where depth is 8
weights   n * i16    of the predictions
codeword  the rest   the bits of all values beyond the first eight
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitstream.errors import InvalidField
from bitstream.wire import ByteReader, ByteWriter

LEAST_DEPTH, MOST_DEPTH, RULES = 8, 16, 3
GREY, WEIGHTED = 1, 2
WEIGHTS = {1: 10, 3: 51}
"""By the number of channels."""

Weights = NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class FinePart:
    """What a FINE chunk says.

    Attributes:
        depth: bits of a value.
        rule: number of the way in which values become samples.
        channels: 1 for a grey picture, else 3.
        weights: int16 [n] of the predictions; None for those of the format.
        codeword: the bits beyond the first eight.
    """

    depth: int
    rule: int
    channels: int = 1
    weights: Weights | None = None
    codeword: bytes = b""

    def pack(self) -> bytes:
        """The payload."""
        writer = ByteWriter()
        writer.u8(self.depth)
        writer.u8(self.rule)
        if self.depth > LEAST_DEPTH:
            kind = GREY * (self.channels == 1) + WEIGHTED * (self.weights is not None)
            writer.u8(kind)
            if self.weights is not None:
                writer.raw(self.weights.astype("<i2").tobytes())
        writer.raw(self.codeword)
        return writer.getvalue()

    @classmethod
    def unpack(cls, payload: bytes) -> FinePart:
        """Inverse of `pack`.

        Raises:
            FormatError: no writer makes such a payload.
        """
        reader = ByteReader(payload)
        depth, rule = reader.u8("depth of samples"), reader.u8("rule of samples")
        if not LEAST_DEPTH <= depth <= MOST_DEPTH:
            raise InvalidField(f"the depth of samples is {depth}, not in 8..16")
        if rule >= RULES:
            raise InvalidField(f"unknown rule {rule} of samples")
        if depth == LEAST_DEPTH:
            if reader.remaining:
                raise InvalidField("samples of 8 bits have no finer part")
            return cls(depth, rule)
        kind = reader.u8("kind of the finer part")
        if kind > GREY + WEIGHTED:
            raise InvalidField(f"unknown kind {kind} of the finer part")
        channels, weights = 1 if kind & GREY else 3, None
        if kind & WEIGHTED:
            stored = reader.raw(2 * WEIGHTS[channels], "weights of the finer part")
            weights = np.frombuffer(stored, "<i2").astype(np.int16)
        return cls(depth, rule, channels, weights, reader.raw(reader.remaining, "finer part"))
