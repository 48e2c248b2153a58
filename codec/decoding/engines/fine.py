"""Runs the scan over the bits of samples beyond the first eight with the kernel."""

from __future__ import annotations

import ctypes

import numpy as np

from bitstream import Truncated
from bitstream.coding import mixing
from bitstream.coding.codeword import check_end, shortest_codeword
from codec.decoding.engines.library import (
    CutShortError,
    FineCoderStruct,
    FineStruct,
    load_kernel,
    pointer,
    raise_for,
)
from codec.decoding.lossless.fine_scan import FineScan, Planes
from codec.networks import patience

RANGE_BITS = 32
STATE_BYTES = RANGE_BITS // 8
ROOM_PER_BIT = 2
"""Bytes at most: no probability is below 2**-16."""


def encode(scan: FineScan, wanted: Planes) -> bytes:
    """A codeword of the bits [channel h w] of all values."""
    channels, height, width = wanted.shape
    room = ROOM_PER_BIT * channels * width * scan.bits + STATE_BYTES
    data = np.zeros(2 * room, np.uint8)
    coder = FineCoderStruct(0, 1 << RANGE_BITS, 0)
    wanted = np.ascontiguousarray(wanted, np.int32)
    for row in range(height):
        if len(data) < coder.place + room:
            data = np.concatenate([data, np.zeros(len(data), np.uint8)])
        patience.check()
        _run(scan, coder, data, row, wanted)
    written = data[: coder.place].tobytes() + coder.point.to_bytes(STATE_BYTES, "big")
    return shortest_codeword(int.from_bytes(written, "big"), coder.range, len(written))


def decode(scan: FineScan, codeword: bytes) -> None:
    """Fills in the values of a scan.

    Raises:
        Truncated: the codeword ends too early for them.
    """
    data = np.frombuffer(codeword, np.uint8)
    start = int.from_bytes(codeword[:STATE_BYTES].ljust(STATE_BYTES, b"\0"), "big")
    coder = FineCoderStruct(start, 1 << RANGE_BITS, STATE_BYTES)
    for row in range(scan.values.shape[1]):
        patience.check()
        try:
            _run(scan, coder, data, row)
        except CutShortError as error:
            check_end(coder.place, len(data))
            raise Truncated(str(error)) from error


def _run(
    scan: FineScan,
    coder: FineCoderStruct,
    data: np.ndarray[tuple[int], np.dtype[np.uint8]],
    row: int,
    wanted: Planes | None = None,
) -> None:
    channels, height, width = scan.values.shape
    arrays = (scan.values, scan.errors, wanted, scan.weights)
    tables = (mixing.STRETCH, mixing.SQUASH, mixing.RATES)
    states = (scan.contexts, scan.nodes, scan.mixes, data)
    pointers = map(pointer, (*arrays, *tables, *states))
    fine = FineStruct(width, height, channels, scan.bits, wanted is not None, *pointers, len(data))
    raise_for(load_kernel().nnc_rest_row(ctypes.byref(fine), ctypes.byref(coder), row))
