"""Files of few bytes that claim much: pictures, packed weights, metadata.

`scripts/conform/costs.py` measures what they take.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bitstream.file.header import LOSSLESS_QUALITY
from bitstream.wire import ByteWriter
from codec.api.decoding import decode
from codec.models.registry import default_ids
from codec.packing import unpack
from codec.picture import formats, png, reading, writing
from codec.picture.metadata import Metadata
from codec.picture.notes import Notes
from scripts.conform.maker import chunk, sealed, varint
from scripts.conform.picture_files import Seed
from scripts.conform.structured import sealed_weights

F64 = 3
ZEROS, LEVELS, PRODUCT = 0, 2, 3
"""Codings of packed weights."""
SIDE_PX = 4096
CONTENT = 2
HALF = 100
"""Quality 50 as headers have it."""
MEGABYTE = 2**20
XMP_SPACE = b"http://ns.google.com/photos/1.0/container/"


@dataclass(frozen=True)
class Bomb:
    """An input.

    Attributes:
        make: gives it.
        feed: reads it.
        before: what it took before there was a limit; measured by hand, of the code of then.
        test: which test holds that.
    """

    make: Callable[[], bytes]
    feed: Callable[[bytes], object]
    before: str
    test: str


def file_of(count: int, entries: Callable[[ByteWriter], None]) -> bytes:
    """Packed weights with a right checksum, whatever their entries say."""
    writer = ByteWriter()
    writer.u8(0)
    writer.varint(0)
    writer.varint(count)
    entries(writer)
    return sealed_weights(writer.getvalue())


def entry(writer: ByteWriter, shared: int, name: bytes, coding: int, *shape: int) -> None:
    """Writes the head of a tensor whose name shares so many bytes with the one before."""
    writer.varint(shared)
    writer.varint(len(name))
    writer.raw(name)
    writer.u8(F64)
    writer.u8(coding)
    writer.varint(len(shape))
    for length in shape:
        writer.varint(length)


def level_fields(writer: ByteWriter, lanes: int) -> None:
    """Writes how levels are coded."""
    writer.u16(0x3F00)
    writer.varint(lanes)
    writer.u8(0x84)


def shared_names(length: int, count: int) -> bytes:
    """Names that share their first `length` bytes: an entry of 12 bytes makes a name of any."""

    def entries(writer: ByteWriter) -> None:
        entry(writer, 0, b"a" * length, ZEROS, 0)
        for number in range(1, count):
            entry(writer, length, b"%05d" % number, ZEROS, 0)

    return file_of(count, entries)


def zeros() -> bytes:
    """26 bytes for 512 MB."""
    return file_of(1, lambda writer: entry(writer, 0, b"a", ZEROS, 1 << 26))


def one_tensor_of_levels() -> bytes:
    """The most steps that the lanes allow, of a codeword without bytes."""

    def entries(writer: ByteWriter) -> None:
        entry(writer, 0, b"a", LEVELS, 1 << 26)
        level_fields(writer, 1024)

    return file_of(1, entries)


def many_short_tensors() -> bytes:
    """Tensors of 64 steps in 15 bytes each."""

    def entries(writer: ByteWriter) -> None:
        for number in range(5000):
            entry(writer, 0, b"%05d" % number, LEVELS, 64)
            level_fields(writer, 1)

    return file_of(5000, entries)


def empty_codeword(quality: int, content: str) -> bytes:
    """A picture of 16 megapixels whose codeword has no bytes."""
    head = varint(SIDE_PX) * 2 + bytes([quality]) + default_ids()[content]
    return sealed(head + chunk(CONTENT, b""))


def shared_values(count: int) -> bytes:
    """EXIF with entries that all have the same megabyte for their value."""
    rows = b"".join(struct.pack("<HHII", 40_000 + n, 7, MEGABYTE, 8) for n in range(count))
    head = b"II*\0" + struct.pack("<IH", 8, count) + rows + bytes(4)
    return head.ljust(MEGABYTE + 8, b"\0")


def shared_elements(count: int) -> bytes:
    """A colour profile whose elements are all of it."""
    rows = b"".join(struct.pack(">III", n, 1, MEGABYTE) for n in range(count))
    return (bytes(128) + struct.pack(">I", count) + rows).ljust(MEGABYTE, b"\0")


def open_tags() -> bytes:
    """An XMP packet of tags that none closes."""
    tags = b"".join(b"<p:a%d>" % number for number in range(90_000))
    return b'<x xmlns:p="' + XMP_SPACE + b'">' + tags + b"</x>"


def many_texts() -> bytes:
    """A PNG with text that grows by a factor of 1,000."""
    packed = zlib.compress(bytes(16 * MEGABYTE))
    return png_with(*[png.Chunk(b"zTXt", b"Title\0\0" + packed, sound=True)] * 100)


def png_with(*chunks: png.Chunk) -> bytes:
    """A small PNG with chunks before its picture."""
    plain = Seed("RGB", "PNG", {}).written()
    end_of_head = len(png.SIGNATURE) + 12 + 13
    more = b"".join(chunk.packed() for chunk in chunks)
    return plain[:end_of_head] + more + plain[end_of_head:]


def packed_text(keyword: bytes, text: bytes) -> bytes:
    """A PNG with compressed text."""
    body = keyword + b"\0\1\0\0\0" + zlib.compress(text, 9)
    return png_with(png.Chunk(b"iTXt", body, sound=True))


def tiff_of_tags(count: int) -> bytes:
    """A TIFF with entries that all have the same megabyte for their value."""
    plain = Seed("RGB", "TIFF", {}).written().ljust(MEGABYTE, b"\0")
    (start,) = struct.unpack_from("<I", plain, 4)
    (known,) = struct.unpack_from("<H", plain, start)
    rows = plain[start + 2 : start + 2 + 12 * known]
    rows += b"".join(struct.pack("<HHII", 50_000 + n, 7, MEGABYTE, 0) for n in range(count))
    directory = struct.pack("<H", known + count) + rows + bytes(4)
    return plain[:4] + struct.pack("<I", MEGABYTE) + plain[8:] + directory


def write_png(profile: bytes) -> None:
    """Writes a decoded picture with its profile."""
    pixels = np.zeros((8, 8, 3), np.uint8)
    writing.save(pixels, Metadata(icc=profile), formats.PNG, Notes())


def overlapping_pages() -> bytes:
    """A TIFF with directories that lie in each other, each of 65,000 entries."""
    count, pages = 65_000, 8000
    data = bytearray(8 + 12 * count + 8 * pages + 8)
    data[:8] = b"II*\0" + struct.pack("<I", 8)
    for page in range(pages):
        start = 8 + 8 * page
        data[start : start + 2] = struct.pack("<H", count)
        struct.pack_into("<I", data, start + 2 + 12 * count, start + 8)
    return bytes(data)


BOMBS = {
    "a picture of 16 megapixels whose codeword has no bytes": Bomb(
        lambda: empty_codeword(HALF, "learned"),
        decode,
        "38 s, 1,200 MB",
        "`test_bombs.py::test_a_codeword_that_is_too_short_is_refused_where_it_ends`",
    ),
    "the same without loss": Bomb(
        lambda: empty_codeword(LOSSLESS_QUALITY, "lossless"),
        decode,
        "as long as its grids take",
        "`test_bombs.py::test_a_lossless_codeword_that_is_too_short_is_refused_too`",
    ),
    "packed weights: 18,000 names that share 20,000 bytes": Bomb(
        lambda: shared_names(20_000, 18_000),
        unpack,
        "3.2 s, 1,048 MB",
        "`test_packed_bombs.py::test_bombs_are_refused_without_unpacking[names of 360 MB]`",
    ),
    "packed weights: 2**26 zeros of F64": Bomb(
        zeros, unpack, "0.5 s, 512 MB", "the same, `[512 MB of zeros]`"
    ),
    "packed weights: 2**26 levels of a codeword without bytes": Bomb(
        one_tensor_of_levels,
        unpack,
        "26 s",
        "the same, `[2**26 levels]`, `test_codeword_end.py::test_levels_of_packed_weights_end_too`",
    ),
    "packed weights: 5,000 tensors of 64 steps each": Bomb(
        many_short_tensors, unpack, "29 s, 11 MB", "the same, `[320,000 steps]`"
    ),
    "a TIFF with 1,000 tags that share a megabyte": Bomb(
        lambda: tiff_of_tags(1000),
        reading.read_raster,
        "2.2 s, 2,002 MB",
        "`test_hostile.py::test_values_that_many_entries_share_are_not_copied_for_each`",
    ),
    "a profile of 1,000 elements that share a megabyte, written into a PNG": Bomb(
        lambda: shared_elements(1000),
        write_png,
        "0.7 s, 1,003 MB",
        "`test_hostile.py::test_elements_of_profiles_that_overlap_are_not_copied`",
    ),
    "a PNG with XMP of 90,000 tags that nothing closes": Bomb(
        lambda: packed_text(b"XML:com.adobe.xmp", open_tags()),
        reading.read_raster,
        "more than 30 s",
        "`test_hostile.py::test_xmp_is_searched_in_one_pass`",
    ),
    "a PNG with 100 texts of 16 megabytes": Bomb(
        many_texts,
        reading.read_raster,
        "5.3 s, 33 MB",
        "`test_hostile.py::test_text_of_png_is_decompressed_once_and_if_it_is_looked_at`",
    ),
    "a TIFF of 8,000 directories that lie in each other": Bomb(
        overlapping_pages,
        reading.read_raster,
        "more than 30 s",
        "`test_hostile.py::test_directories_that_overlap_are_not_read_for_each`",
    ),
}
