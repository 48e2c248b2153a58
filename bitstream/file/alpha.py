"""Implements FORMAT.md section 5.3: the payload of an ALPHA chunk, a plane of samples without loss.

filter  u8        what a sample is predicted from
data    the rest  an LZMA stream of the residuals

The filters are those of PNG that numpy undoes at once, for the whole plane; LZMA finds what deflate
does not (a third of the bytes on soft shadows).
"""

from __future__ import annotations

import lzma
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from bitstream.errors import InvalidField
from bitstream.wire import ByteReader

Samples = NDArray[np.uint8]

CODER = {"id": lzma.FILTER_LZMA1, "dict_size": 1 << 23, "lc": 2, "lp": 0, "pb": 0}
SEARCH = {"mode": lzma.MODE_NORMAL, "mf": lzma.MF_BT4, "nice_len": 273}
"""How hard the encoder looks for matches."""
QUICK = {"mode": lzma.MODE_FAST, "mf": lzma.MF_HC3, "nice_len": 32}
"""The same where filters are compared."""


class Filter(IntEnum):
    """What a sample is predicted from."""

    NONE = 0
    LEFT = 1
    ABOVE = 2
    PLANE = 3
    """Left + above - what is left of above."""


def pack(samples: Samples) -> bytes:
    """Compresses a plane, uint8 [h w]."""
    found = {kind: _residuals(samples, kind).tobytes() for kind in Filter}
    best = min(found, key=lambda kind: len(_compress(found[kind], QUICK)))
    return bytes([best]) + _compress(found[best], SEARCH)


def unpack(payload: bytes, width: int, height: int) -> Samples:
    """Inverse of `pack`: uint8 [height width].

    Raises:
        FormatError: no writer makes such a payload.
    """
    reader = ByteReader(payload)
    kind = reader.u8("filter of the transparency")
    if kind not in set(Filter):
        raise InvalidField(f"filter {kind} of the transparency is not in 0..{max(Filter)}")
    data = _expand(reader.raw(reader.remaining, "transparency"), width * height)
    samples = np.frombuffer(data, np.uint8).reshape(height, width)
    if kind in (Filter.LEFT, Filter.PLANE):
        samples = np.add.accumulate(samples, axis=1, dtype=np.uint8)
    if kind in (Filter.ABOVE, Filter.PLANE):
        samples = np.add.accumulate(samples, axis=0, dtype=np.uint8)
    return samples


def _residuals(samples: Samples, kind: Filter) -> Samples:
    """Samples less their predictions, modulo 256."""
    rest = samples
    if kind in (Filter.LEFT, Filter.PLANE):
        rest = np.diff(rest, axis=1, prepend=np.uint8(0))
    if kind in (Filter.ABOVE, Filter.PLANE):
        rest = np.diff(rest, axis=0, prepend=np.uint8(0))
    return rest


def _compress(data: bytes, search: dict[str, int]) -> bytes:
    return lzma.compress(data, lzma.FORMAT_RAW, filters=[CODER | search])


def _expand(stream: bytes, size: int) -> bytes:
    """Decompresses exactly `size` bytes."""
    decoder = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[CODER])
    try:
        # One byte more than there should be, so that a longer stream is noticed and not followed.
        data = decoder.decompress(stream, size + 1)
    except lzma.LZMAError as error:
        raise InvalidField("the transparency is not a valid LZMA stream") from error
    if len(data) != size or not decoder.eof or decoder.unused_data:
        raise InvalidField("the transparency has not as many samples as the picture")
    return data
