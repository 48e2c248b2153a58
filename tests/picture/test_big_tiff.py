"""TIFF files with positions of 64 bits: whatever the others mean, they mean."""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
import pytest
from making import SRGB, ramp, saved, tiff_of
from PIL import Image

from codec.contract.options import ReadOptions
from codec.errors import ImageError
from codec.picture import big_tiff
from codec.picture.reading import read_raster

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1}
LONG, LONG8, IFD8 = 4, 16, 18


def big(data: bytes, *, narrow: bool = False) -> bytes:
    """A TIFF file of one or more pages, written anew with positions of 64 bits.

    Positions become numbers of 64 bits unless `narrow`.
    """
    order = {b"II": "<", b"MM": ">"}[data[:2]]
    out = bytearray(data[:2] + struct.pack(order + "HHHQ", 43, 8, 0, 0) + data[8:])
    shift = 8

    def directory(start: int) -> tuple[int, int]:
        (count,) = struct.unpack_from(order + "H", data, start)
        rows = []
        for at in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, number = struct.unpack_from(order + "HHI", data, at)
            size = SIZES[kind] * number
            (value,) = struct.unpack_from(order + "I", data, at + 8)
            raw = data[at + 8 : at + 8 + size] if size <= 4 else data[value : value + size]
            if tag == 0x8769:
                below, _ = directory(value)
                kind, raw = IFD8, struct.pack(order + "Q", below)
            elif tag == 273:  # where the samples are
                places = struct.unpack(f"{order}{number}I", raw)
                kind, form = (LONG, "I") if narrow else (LONG8, "Q")
                raw = struct.pack(f"{order}{number}{form}", *(place + shift for place in places))
            if len(raw) > 8:
                rows.append(struct.pack(order + "HHQQ", tag, kind, number, len(out)))
                out.extend(raw)
            else:
                rows.append(struct.pack(order + "HHQ", tag, kind, number) + raw.ljust(8, b"\0"))
        place = len(out)
        out.extend(struct.pack(order + "Q", count) + b"".join(rows) + bytes(8))
        return place, struct.unpack_from(order + "I", data, start + 2 + 12 * count)[0]

    link, (start,) = 8, struct.unpack_from(order + "I", data, 4)
    while start:
        place, start = directory(start)
        struct.pack_into(order + "Q", out, link, place)
        (count,) = struct.unpack_from(order + "Q", out, place)
        link = place + 8 + 20 * count
    return bytes(out)


GREY16, COLOUR16, PAIRS16, QUADS16 = (ramp(channels, np.uint16) for channels in (1, 3, 2, 4))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda order: tiff_of(ramp(), 2, order=order),
        lambda order: tiff_of(GREY16, 0, order=order),  # white is zero
        lambda order: tiff_of(COLOUR16, 2, order=order),
        lambda order: tiff_of(PAIRS16, 1, (338, 3, 2), order=order),
        lambda order: tiff_of(QUADS16, 2, (338, 3, 1), order=order),  # associated opacity
        lambda order: tiff_of(ramp(5), 2, (338, 3, (2, 0)), order=order),
        lambda order: tiff_of(ramp(), 2, (274, 3, 6), (34675, 7, SRGB), order=order),
        lambda order: tiff_of(ramp(), 2, (318, 5, (1, 3) * 2), (319, 5, (1, 3) * 6), order=order),
    ],
)
def test_they_are_read_as_the_others(make, order, narrow):
    plain = make(order)
    one, other = read_raster(plain), read_raster(big(plain, narrow=narrow))
    assert np.array_equal(one.pixels, other.pixels)
    assert (one.alpha is None) == (other.alpha is None)
    assert one.alpha is None or np.array_equal(one.alpha, other.alpha)
    assert (one.metadata, one.note) == (other.metadata, other.note)


def test_directories_below_are_kept():
    plain = tiff_of(ramp(), 2, (0x8769, LONG, 0))
    named = struct.pack("<HHI", 0x8769, LONG, 1)
    plain = plain.replace(named + bytes(4), named + struct.pack("<I", len(plain)))
    plain += struct.pack("<HHHI4sI", 1, 0x9000, 7, 4, b"0230", 0)
    found = read_raster(big(plain)).metadata
    assert found.exif == read_raster(plain).metadata.exif
    with Image.open(BytesIO(saved(ramp(), "PNG", exif=found.exif))) as image:
        assert image.getexif().get_ifd(0x8769)[0x9000] == b"0230"


def test_pages_are_chosen():
    frames = [Image.new("L", (8, 8), 50 * number) for number in range(3)]
    data = big(saved(frames[0], "TIFF", save_all=True, append_images=frames[1:]))
    with pytest.raises(ImageError, match="has 3 pages; choose one with --frame"):
        read_raster(data)
    assert (read_raster(data, ReadOptions(frame=2)).pixels == 100).all()


def test_values_outside_and_entries_that_overlap_are_refused():
    sound = big(tiff_of(ramp(), 2))
    (start,) = struct.unpack_from("<Q", sound, 8)
    for count in (2**16, 2**40, 60_000):
        damaged = sound[:start] + struct.pack("<Q", count) + sound[start + 8 :]
        with pytest.raises(ImageError, match="is a damaged image"):
            big_tiff.as_classic(damaged)
    rows = b"".join(struct.pack("<HHQQ", 40_000 + n, 7, 30_000, 0) for n in range(1000))
    many = b"II+\0" + struct.pack("<HHQ", 8, 0, 16) + struct.pack("<Q", 1000) + rows + bytes(20_000)
    assert len(big_tiff.as_classic(many)) < 3 * len(many)  # values stay where they are
    narrowed = many.replace(struct.pack("<HQ", 7, 30_000), struct.pack("<HQ", LONG8, 3000))
    with pytest.raises(ImageError, match="is a damaged image"):
        big_tiff.as_classic(narrowed)
