"""Packed weight files that claim far more than their bytes: refused before anything is unpacked."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from bitstream import LimitExceeded
from bitstream.limits import MAX_PACKED_NAMES, MAX_PACKED_TENSORS, PACKED_WORK, STEP_WORK
from bitstream.tensors import Archive, Levels, PackedTensor, Raw, Scan, Zeros
from bitstream.wire import ByteWriter
from codec.packing import unpack
from scripts.conform.bombs import (
    PRODUCT,
    ZEROS,
    entry,
    file_of,
    level_fields,
    many_short_tensors,
    one_tensor_of_levels,
    shared_names,
    zeros,
)


def product() -> bytes:
    """A matrix of two short factors."""

    def entries(writer: ByteWriter) -> None:
        entry(writer, 0, b"a", PRODUCT, 8000, 8000)
        writer.varint(1)
        level_fields(writer, 100)
        level_fields(writer, 100)

    return file_of(1, entries)


BOMBS = {
    "names of 12 MB": (shared_names(3000, 4000), "names of more than"),
    "names of 360 MB": (shared_names(20_000, 18_000), "names of more than"),
    "512 MB of zeros": (zeros(), "work of more than"),
    "2**26 levels": (one_tensor_of_levels(), "work of more than"),
    "320,000 steps": (many_short_tensors(), "work of more than"),
    "a product": (product(), "work of more than"),
}


@pytest.mark.parametrize(("data", "message"), BOMBS.values(), ids=BOMBS)
def test_bombs_are_refused_without_unpacking(data: bytes, message: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(LimitExceeded, match=message) as refusal:
            unpack(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8e6
    assert "\n" not in str(refusal.value)


def test_the_format_limits_hold_whatever_is_asked_for() -> None:
    with pytest.raises(LimitExceeded, match="more than 262144 steps"):
        unpack(many_short_tensors(), max_values=1 << 40)
    with pytest.raises(LimitExceeded, match="67108864 values"):
        unpack(
            file_of(1, lambda writer: entry(writer, 0, b"a", ZEROS, (1 << 26) + 1)), None, 1 << 40
        )
    with pytest.raises(LimitExceeded, match=f"limit is {MAX_PACKED_TENSORS}"):
        unpack(file_of(MAX_PACKED_TENSORS + 1, lambda _: None), None, 1 << 40)


def test_as_much_as_is_asked_for_is_unpacked() -> None:
    size = PACKED_WORK + 4096
    data = file_of(1, lambda writer: entry(writer, 0, b"a", ZEROS, size))
    with pytest.raises(LimitExceeded):
        unpack(data)
    assert len(unpack(data, max_values=size).tensors["a"].data) == 8 * size


def test_a_step_counts_as_many_values() -> None:
    levels = Levels(
        np.ones(64, np.int32), Scan.fitting(np.ones(64, np.int32), 1, trellis=True), 0.5
    )
    data = Archive([PackedTensor("a", "F32", (64,), levels)], {}).pack()
    enough = 64 + 64 * STEP_WORK
    assert len(Archive.unpack(data, enough).tensors) == 1
    with pytest.raises(LimitExceeded):
        Archive.unpack(data, enough - 1)


def test_what_the_file_or_the_base_spells_out_is_not_counted() -> None:
    raw = Archive([PackedTensor("a", "U8", (1000,), Raw(bytes(1000)))], {}).pack()
    assert len(Archive.unpack(raw, 1).tensors) == 1
    unchanged = PackedTensor("a", "F32", (1 << 25,), Zeros(), based=True)
    assert len(Archive.unpack(Archive([unchanged], {}, bytes(16)).pack()).tensors) == 1


def test_writers_keep_the_limits_of_names() -> None:
    names = [f"{'a' * (MAX_PACKED_NAMES // 2)}{number}" for number in range(3)]
    with pytest.raises(LimitExceeded, match="names"):
        Archive([PackedTensor(name, "F32", (), Zeros()) for name in names], {}).pack()
