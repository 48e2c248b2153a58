"""Pictures in whatever form a caller has them."""

from __future__ import annotations

from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import codec
from codec import pictures
from codec.contract.modes import Standard
from codec.contract.options import EncodeOptions
from codec.errors import CodecError, ImageError, OptionError

OPTIONS = EncodeOptions(effort=0)


def png(pixels: np.ndarray, **options: object) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG", **options)
    return file.getvalue()


class Unseekable:
    """An open file of which only reading is known."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self) -> bytes:
        return self._data


def test_all_forms_of_a_file_give_the_same(tiny, photo, tmp_path):
    data = png(photo[:20, :30])
    path = tmp_path / "photo.png"
    path.write_bytes(data)
    expected = codec.encode(data, OPTIONS).data
    with path.open("rb") as file:
        forms = (str(path), path, bytearray(data), memoryview(data), BytesIO(data), file)
        for form in (*forms, Unseekable(data)):
            assert codec.encode(form, OPTIONS).data == expected


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (torch.zeros(3, 8, 8), "torch.Tensor; numpy.asarray makes an array of it"),
        ([[0, 0, 0]], "not list"),
        (None, "not NoneType"),
        (3, "not int"),
        (StringIO("text"), "open it in binary mode"),
        (np.zeros((3, 8, 8), np.uint8), "expected uint8 or uint16 pixels"),
        (np.zeros((8, 8, 3), np.float32), "float32"),
        (np.zeros((8, 8), np.uint8), r"uint8 \[8, 8\]"),
    ],
)
def test_what_is_no_picture_is_named(picture, message):
    with pytest.raises(CodecError, match=message):
        codec.encode(picture, OPTIONS)


def test_a_file_of_this_codec_is_decoded_first(tiny, photo, tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "a face"
    first = codec.encode(png(photo[:20, :30], exif=exif), OPTIONS).data
    raster = pictures.load_raster(first)
    assert np.array_equal(raster.pixels, codec.decode(first))
    assert raster.metadata == codec.read_metadata(first)
    again = codec.encode(first, OPTIONS).data
    assert codec.read_metadata(again) == codec.read_metadata(first)


def test_one_that_needs_an_update_file_finds_it(tiny, photo, tmp_path: Path):
    pair = codec.encode_shared([photo[:64], photo[64:]], EncodeOptions(effort=1))
    path = tmp_path / "one.nni"
    path.write_bytes(pair.pictures[0].data)
    if pair.update:
        (tmp_path / "both.nnu").write_bytes(pair.update)
    assert np.array_equal(pictures.load_raster(path).pixels, codec.decode(path))


def test_strict_is_an_option(tiny, photo):
    data = png(photo[:20, :30], dpi=(300, 300))
    assert codec.encode(data, EncodeOptions(effort=0, strict=True)).report.note == ""
    deep = (photo[:20, :30].astype(np.uint16) * 257) ^ 1
    with pytest.raises(ImageError, match="rounded to 8"):
        codec.encode(deep, EncodeOptions(effort=0, strict=True))


def test_metadata_that_a_standard_file_does_not_hold(tiny, photo):
    from codec.picture import writing
    from codec.picture.metadata import Metadata

    file = BytesIO()
    writing.save_png(photo[:32, :32], file, Metadata(iptc=b"\x1c\x02\x78\x00\x05hello"))
    for content, holds in (("jpeg", True), ("webp", False)):
        options = EncodeOptions(Standard(content), effort=0)
        result = codec.encode(file.getvalue(), options)
        assert ("IPTC does not fit" in result.report.note) != holds
        assert (b"hello" in result.data) == holds
    with pytest.raises(ImageError, match="IPTC does not fit"):
        codec.encode(file.getvalue(), EncodeOptions(Standard("webp"), strict=True))


@pytest.mark.parametrize("options", [{"frame": -1}, {"max_pixels": 0}])
def test_options_are_checked(options):
    with pytest.raises(OptionError):
        EncodeOptions(**options)
