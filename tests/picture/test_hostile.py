"""Metadata of few bytes that readers could take very long for, or copy many times over."""

from __future__ import annotations

import struct
import threading
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from making import SIGNATURE, chunk, jpeg, png, ramp, saved
from PIL import Image, ImageFile

from codec.contract.options import ReadOptions
from codec.errors import ImageError
from codec.picture import exif, formats, profiles, settings, tiff, writing, xmp
from codec.picture.metadata import EXIF_PREFIX, Metadata
from codec.picture.notes import Notes
from codec.picture.reading import read_raster
from scripts.conform.bombs import shared_elements, shared_values

MEGABYTE = 2**20
SPACE = b"http://ns.google.com/photos/1.0/container/"


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """Raises AssertionError if Python's objects take more memory than that meanwhile."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < size
    finally:
        tracemalloc.stop()


def test_values_that_many_entries_share_are_not_copied_for_each():
    data = shared_values(200)
    assert not exif.is_sound(data) and exif.is_sound(shared_values(1))
    with at_most(8 * MEGABYTE):
        _, damaged = exif.copied(data, 8, ())
    assert len(damaged) > 190
    with at_most(16 * MEGABYTE):
        assert "EXIF is damaged" in read_raster(png(ramp(), chunk(b"eXIf", data))).note


def test_directories_that_overlap_are_not_read_for_each():
    """Each entry would be read some thousand times."""
    count, pages = 4000, 2000
    data = bytearray(8 + 12 * count + 8 * pages)
    data[:8] = b"II*\0" + struct.pack("<I", 8)
    for page in range(pages):
        start = 8 + 8 * page
        data[start : start + 2] = struct.pack("<H", count)
        struct.pack_into("<I", data, start + 2 + 12 * count, start + 8)
    assert len(list(tiff._pages(bytes(data), "<"))) <= 2


def test_elements_of_profiles_that_overlap_are_not_copied():
    data = shared_elements(1000)
    with at_most(8 * MEGABYTE):
        assert profiles.code_points(data) == b""


@pytest.mark.parametrize(
    "body",
    [
        b"".join(b"<p:a%d>" % n for n in range(100_000)),
        b"".join(b"<p:a%d>" % n for n in range(40_000))
        + b"".join(b"</p:a%d>" % n for n in reversed(range(40_000))),
        b" ".join(b'xmlns:p%d="%s"' % (n, SPACE) for n in range(12_000)),
        b" p:x='" * 100_000,
    ],
)
def test_xmp_is_searched_in_one_pass(body):
    """Each of these would take minutes if every tag was searched for its end."""
    packet = (b'<x xmlns:p="%s">' % SPACE + body + b"</x>")[: xmp.LARGEST_EDITED]
    assert len(xmp.without_hidden(packet)) <= len(packet)


def test_text_of_png_is_decompressed_once_and_if_it_is_looked_at(monkeypatch):
    bomb = zlib.compress(bytes(16 * MEGABYTE))
    text = chunk(b"zTXt", b"Title\0\0" + bomb) * 50
    more = chunk(b"zTXt", b"Raw profile type exif\0\0" + bomb) * 50
    decompressed = []
    plain = zlib.decompressobj
    monkeypatch.setattr(zlib, "decompressobj", lambda: decompressed.append(1) or plain())
    raster = read_raster(png(ramp(), text, more))
    assert np.array_equal(raster.pixels, ramp())
    assert len(decompressed) == 1 and "text not kept" in raster.note


def test_spaces_in_raw_profiles_take_no_memory_each():
    text = zlib.compress(b"\nexif\n 4\n" + b" " * MEGABYTE + b"00\n" * MEGABYTE)
    with at_most(32 * MEGABYTE):
        read_raster(png(ramp(), chunk(b"zTXt", b"Raw profile type exif\0\0" + text)))


@pytest.mark.parametrize(
    "tags",
    [
        b"junk",
        b"II*\0\x08\0\0\0\xff\xff",
        b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 0x8769, 4, 1, 8) + bytes(4),  # in a circle
    ],
)
@pytest.mark.parametrize("form", formats.FORMATS, ids=lambda form: form.name)
def test_damaged_exif_of_a_file_lets_it_be_written(tags, form):
    notes = Notes()
    pixels = np.full((8, 8, 3), 90, np.uint8)
    data = writing.save(pixels, Metadata(exif=EXIF_PREFIX + tags), form, notes)
    assert read_raster(data).pixels.shape == (8, 8, 3)


@pytest.mark.parametrize("file_format", ["BMP", "TIFF", "GIF", "PPM", "TGA", "JPEG2000"])
def test_pillows_tolerance_for_the_whole_process_is_not_ours(file_format, monkeypatch):
    data = saved(np.full((64, 64, 3), 90, np.uint8) + ramp()[0, 0], file_format)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(ImageError, match=r"truncated|cut|broken"):
        read_raster(data[: len(data) // 2])
    assert ImageFile.LOAD_TRUNCATED_IMAGES


def test_settings_are_restored_after_the_last_of_several_threads(monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with settings.held(pixels=21):
            entered.set()
            leave.wait(10)

    other = threading.Thread(target=hold)
    other.start()
    entered.wait(10)
    with settings.held(pixels=20):
        assert not ImageFile.LOAD_TRUNCATED_IMAGES
    during = ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS
    leave.set()
    other.join()
    assert during == (False, None)
    assert (ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS) == (True, 10)
    with settings.held(pixels=20):  # which Pillow does not refuse
        assert Image.MAX_IMAGE_PIXELS == 10


@pytest.mark.parametrize(
    "data",
    [
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n",
        b"\xc5\xd0\xd3\xc6" + bytes(28) + b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"\xd7\xcd\xc6\x9a" + bytes(60),
        b"%PDF-1.4\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ],
)
def test_no_other_program_is_run_to_draw(data):
    with pytest.raises(ImageError, match="it has no pixels; render it first"):
        read_raster(data)


def test_more_than_a_picture_states_is_not_decoded():
    """An icon that says 16x16 and holds a PNG of 81 megapixels."""
    inner = saved(Image.new("1", (9000, 9000)), "PNG")
    head = struct.pack("<HHHBBBBHHII", 0, 1, 1, 16, 16, 0, 0, 1, 32, len(inner), 22)
    with pytest.raises(
        ImageError, match=r"is larger than 1,000 pixels: 9000x9000|not the expected size"
    ):
        read_raster(head + inner, ReadOptions(max_pixels=1000))


def test_apples_own_png_is_named():
    with pytest.raises(ImageError, match="only iOS reads"):
        read_raster(SIGNATURE + chunk(b"CgBI", bytes(4)) + png(ramp())[8:])


def test_a_jpeg_of_one_frame_loses_nothing_in_silence():
    data = jpeg((0xEB, b"JPxxx"), after=b"film")
    chosen = read_raster(data, ReadOptions(frame=0))
    assert chosen.note == read_raster(data).note != ""
