"""The public interface: what it takes, what it gives, and the examples in its words."""

from __future__ import annotations

import doctest
import importlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import codec
from bitstream import BadMagic
from codec.errors import ImageError

OPTIONS = codec.EncodeOptions(codec.Lossy(quality=60), effort=0)


@pytest.fixture
def folder(tmp_path: Path, photo, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with photo.png and its files photo.nni and photo.jpg."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photo[:64, :96]).save("photo.png")
    Image.fromarray(photo[:64, :96]).save("photo.jpg", quality=40)
    Path("photo.nni").write_bytes(codec.encode(photo[:64, :96], OPTIONS).data)
    return tmp_path


@pytest.mark.parametrize("name", ["api.decoding", "api.encoding", "info", "pillow"])
def test_examples(folder, pillow, name):
    results = doctest.testmod(importlib.import_module(f"codec.{name}"))
    assert results.attempted > 1
    assert not results.failed


def test_all_names_are_there_and_sorted():
    assert codec.__all__ == sorted(codec.__all__, key=lambda name: (name[0].islower(), name))
    for name in codec.__all__:
        assert callable(getattr(codec, name))


def test_pictures_come_in_any_form(folder, tiny, photo):
    pixels = photo[:64, :96]
    expected = codec.encode(pixels, OPTIONS).data
    with Image.open("photo.png") as opened:
        for picture in ("photo.png", Path("photo.png"), Path("photo.png").read_bytes(), opened):
            assert codec.encode(picture, OPTIONS).data == expected


def test_standard_files_come_in_any_form(folder, tiny):
    data = Path("photo.jpg").read_bytes()
    expected = codec.enhance("photo.png", data, OPTIONS).data
    with Image.open("photo.png") as opened:
        for original in (Path("photo.png"), Path("photo.png").read_bytes(), opened):
            for file in ("photo.jpg", Path("photo.jpg"), bytearray(data)):
                assert codec.enhance(original, file, OPTIONS).data == expected
    assert codec.probe("photo.jpg") == codec.probe(data)
    assert isinstance(codec.probe(data), codec.StandardInfo)


def test_metadata_go_into_standard_files(folder, tiny, photo):
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "a face", 6
    Image.fromarray(photo[:64, :96]).save("tagged.png", exif=exif)
    options = codec.EncodeOptions(codec.Standard("jpeg"), effort=0)
    with Image.open("tagged.png") as opened:
        for picture in ("tagged.png", Path("tagged.png").read_bytes(), opened):
            made = Image.open(BytesIO(codec.encode(picture, options).data))
            assert made.size == (64, 96)
            assert dict(made.getexif()) == {0x010E: "a face"}


def test_files_come_in_any_form(tiny, photo, tmp_path):
    data = codec.encode(photo[:20, :30], OPTIONS).data
    path = tmp_path / "photo.nni"
    path.write_bytes(data)
    expected = codec.decode(data)
    for file in (bytearray(data), memoryview(data), path, str(path)):
        assert np.array_equal(codec.decode(file), expected)
        assert codec.probe(file) == codec.probe(data)
    assert codec.probe(data).chunks["content"] < len(data)


def test_refusals(tiny, tmp_path):
    with pytest.raises(FileNotFoundError):
        codec.encode(tmp_path / "no.png")
    with pytest.raises(FileNotFoundError):
        codec.probe(tmp_path / "no.nni")
    with pytest.raises(BadMagic, match="not an nncodec, JPEG, WebP or AVIF file"):
        codec.decode(b"hello, this is not a file")
    with pytest.raises(ImageError, match="uint8"):
        codec.encode(np.zeros((8, 8), np.uint8))
