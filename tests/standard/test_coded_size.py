"""What an update may cost is weighed by the coded picture, whatever else a file holds."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

sys.path.insert(0, str(Path(__file__).parent))

from carried import every_format, payload_of

import codec
from bitstream.carriers import carrier_of
from codec.contract.modes import Lossy, Standard
from codec.contract.options import EncodeOptions
from codec.picture.coded_size import coded_bytes

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PROFILE += np.random.default_rng(0).bytes(60_000)
PROFILE = len(PROFILE).to_bytes(4, "big") + PROFILE[4:]
WRITERS = {
    "baseline": ("jpeg", {"quality": 40}),
    "progressive": ("jpeg", {"quality": 40, "progressive": True}),
    "restart markers": ("jpeg", {"quality": 40, "restart_marker_rows": 1}),
    "webp": ("webp", {"quality": 40}),
    "webp without loss": ("webp", {"lossless": True}),
    "avif": ("avif", {"quality": 40, "max_threads": 1}),
}


def exif() -> bytes:
    tags = Image.Exif()
    tags[0x010E] = "description" * 5000
    return tags.tobytes()


EXTRAS = {
    "none": {},
    "profile": {"icc_profile": PROFILE},
    "exif": {"exif": exif()},
    "xmp": {"xmp": b"<x/>" * 3000},
    "all": {"icc_profile": PROFILE, "exif": exif(), "xmp": b"<x/>" * 3000},
}


def written(pixels: np.ndarray, name: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, name.upper(), **options)
    return file.getvalue()


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_metadata_is_no_part_of_the_coded_picture(photo, writer):
    name, options = writer
    plain = written(photo, name, **options)
    sizes = [coded_bytes(written(photo, name, **options, **extra)) for extra in EXTRAS.values()]
    assert set(sizes) == {coded_bytes(plain)}
    assert 0 < len(plain) - sizes[0] < 400


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_nor_is_a_payload_or_what_follows_the_end(photo, writer):
    name, options = writer
    plain = written(photo, name, **options)
    size = coded_bytes(plain)
    assert coded_bytes(carrier_of(plain).insert(plain, bytes(500))) == size
    if name != "avif":  # where more boxes would have to follow
        assert coded_bytes(plain + bytes(5000)) == size


def test_a_comment_and_a_picture_behind_the_first_do_not_count(photo):
    plain = written(photo, "jpeg")
    size = coded_bytes(plain)
    assert coded_bytes(written(photo, "jpeg", comment=b"c" * 9000)) == size
    assert coded_bytes(plain + plain) == size


def test_files_of_unknown_structure_count_as_a_whole(photo):
    plain = written(photo, "avif")
    broken = plain.replace(b"iloc", b"free")
    assert coded_bytes(broken) == len(broken)
    assert coded_bytes(written(photo, "jpeg")[:-2]) == coded_bytes(written(photo, "jpeg")) - 2
    assert coded_bytes(b"else") == 4


@every_format
@pytest.mark.parametrize("extra", ["profile", "all"])
def test_metadata_does_not_change_an_update(head, name, extra):
    options = EncodeOptions(effort=1)
    plain, rich = (
        codec.enhance(head, written(head, name, quality=30, **EXTRAS[extra]), options)
        for extra in ("none", extra)
    )
    assert payload_of(plain.data).pack() == payload_of(rich.data).pack()
    assert plain.report.update_bytes > 0


@every_format
def test_nor_that_of_a_new_file(head, name, tmp_path):
    file = tmp_path / "photo.png"
    Image.fromarray(head).save(file, **EXTRAS["all"])
    options = EncodeOptions(Standard(name, 30), effort=1)
    plain, rich = codec.encode(head, options), codec.encode(file, options)
    assert len(rich.data) > len(plain.data) + 60_000
    assert payload_of(plain.data).pack() == payload_of(rich.data).pack()


def test_nor_that_of_a_file_of_this_codec(head, tmp_path):
    file = tmp_path / "photo.png"
    Image.fromarray(head).save(file, **EXTRAS["all"])
    options = EncodeOptions(Lossy(30, content="jpeg"), effort=1)
    plain, rich = (
        codec.probe(codec.encode(head, options).data),
        codec.probe(codec.encode(file, options).data),
    )
    assert {name: rich.chunks[name] for name in plain.chunks} == plain.chunks
    assert "icc" in rich.chunks
