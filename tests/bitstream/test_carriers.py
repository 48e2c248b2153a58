"""Payloads in files of many kinds: what was there before is untouched, byte by byte and seen."""

from __future__ import annotations

import io
from functools import cache

import pytest
from PIL import Image, ImageSequence

from bitstream.carriers import carrier_of
from bitstream.envelope import standard_format
from bitstream.limits import MAX_CARRIED_BYTES
from scripts.conform.standard_files import ORIENTATION, ROTATED, XMP, animations, examples

FILES = examples() | animations()
NAMES = {"jpg": "jpeg", "webp": "webp", "avif": "avif"}
PAYLOAD = bytes(range(256)) + b"\xff\xd9"
OVERHEAD = {"jpeg": 8, "webp": 8, "avif": 24}

every_file = pytest.mark.parametrize("name", FILES)


@cache
def enhanced(name: str) -> bytes:
    return carrier_of(FILES[name]).insert(FILES[name], PAYLOAD)


def frames(data: bytes) -> list[tuple[str, tuple[int, int], bytes]]:
    with Image.open(io.BytesIO(data)) as image:
        found = ImageSequence.Iterator(image)
        return [(frame.mode, frame.size, frame.tobytes()) for frame in found]


def metadata(data: bytes) -> dict[str, object]:
    with Image.open(io.BytesIO(data)) as image:
        exif = image.getexif()
        info = {key: value for key, value in image.info.items() if key != "mpoffset"}
        return {**info, "orientation": exif.get(ORIENTATION), "tags": dict(exif)}


@every_file
def test_its_format_alone_recognizes_a_file(name):
    expected = NAMES[name.rpartition(".")[2]]
    assert standard_format(FILES[name]) == carrier_of(FILES[name]).NAME == expected
    assert carrier_of(enhanced(name)).NAME == expected


@every_file
def test_payload_comes_back(name):
    carrier = carrier_of(FILES[name])
    assert carrier.extract(FILES[name]) is None
    assert carrier.extract(enhanced(name)) == PAYLOAD
    assert len(enhanced(name)) == len(FILES[name]) + len(PAYLOAD) + OVERHEAD[carrier.NAME]


@every_file
def test_strip_restores_every_byte(name):
    carrier = carrier_of(FILES[name])
    assert carrier.strip(enhanced(name)) == FILES[name]
    assert carrier.strip(FILES[name]) == FILES[name]


@every_file
@pytest.mark.parametrize("payload", [b"", b"x", bytes(MAX_CARRIED_BYTES)], ids=len)
def test_insert_replaces(name, payload):
    carrier = carrier_of(FILES[name])
    replaced = carrier.insert(enhanced(name), payload)
    assert replaced == carrier.insert(FILES[name], payload)
    assert carrier.extract(replaced) == payload


@every_file
def test_pixels_of_all_frames_are_unchanged(name):
    assert frames(enhanced(name)) == frames(FILES[name])


@every_file
def test_metadata_is_unchanged(name):
    found = metadata(enhanced(name))
    assert found == metadata(FILES[name])
    if name.startswith("metadata"):
        # Pillow turns AVIF pictures as it opens them.
        assert found["orientation"] == ROTATED or name.endswith(".avif")
        assert found["xmp"] == XMP and found["icc_profile"] and found["exif"]


def test_examples_have_several_frames_where_they_should():
    several = {name for name, data in FILES.items() if len(frames(data)) > 1}
    assert several == {"several-pictures.jpg", *animations()}


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"RIFF\0\0\0\0WAVE", b"\x89PNG\r\n\x1a\n"])
def test_other_files_have_no_carrier(data):
    assert carrier_of(data) is None
