"""The plugin for Pillow."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile, UnidentifiedImageError

import codec
from codec.decoding import decoder
from codec.pillow import FORMAT


@pytest.fixture(autouse=True)
def plugin(pillow) -> None:
    codec.register_pillow()


@pytest.fixture
def file(tiny, photo, tmp_path: Path) -> Path:
    path = tmp_path / "photo.nni"
    path.write_bytes(codec.encode(photo[:33, :47], codec.EncodeOptions(effort=0)).data)
    return path


def test_opening_reads_the_header_only(file, monkeypatch):
    def never(*_):
        raise AssertionError("decoded too early")

    with monkeypatch.context() as context:
        context.setitem(vars(codec), "decode", never)
        picture = Image.open(file)
        assert (picture.format, picture.mode, picture.size) == (FORMAT, "RGB", (47, 33))
        assert picture.get_format_mimetype() == "image/x-nni"
    with picture:
        assert np.array_equal(np.asarray(picture), codec.decode(file))


def test_pictures_are_decoded_once(file, monkeypatch):
    calls = []
    restore = decoder.restore
    monkeypatch.setattr(decoder, "restore", lambda *a: calls.append(1) or restore(*a))
    with Image.open(file) as picture:
        picture.load()
        picture.load()
        picture.rotate(90)
    assert calls == [1]


def test_streams_stay_open(file):
    stream = BytesIO(file.read_bytes())
    with Image.open(stream, formats=[FORMAT]) as picture:
        picture.load()
    assert not stream.closed


def test_saving_takes_the_options_of_the_encoder(tiny, photo, tmp_path):
    picture = Image.fromarray(photo[:33, :47])
    picture.save(tmp_path / "photo.nni", quality=30, effort=0, update="none")
    options = codec.EncodeOptions(codec.Lossy(quality=30), effort=0, update="none")
    expected = codec.encode(photo[:33, :47], options).data
    assert (tmp_path / "photo.nni").read_bytes() == expected


@pytest.mark.parametrize(
    ("picture", "options", "error", "message"),
    [
        (Image.new("RGB", (8, 8)), {"quality": 101}, ValueError, "quality must be"),
        (Image.new("F", (8, 8)), {}, OSError, "cannot write as NNI: has samples of 32 bits"),
        (Image.new("CMYK", (8, 8)), {"strict": True}, OSError, "CMYK"),
    ],
)
def test_what_cannot_be_saved_leaves_no_file(tmp_path, picture, options, error, message):
    with pytest.raises(error, match=message):
        picture.save(tmp_path / "photo.nni", **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("data", [b"", b"\x8eNN", b"\x8eNN\x01", b"\x8eNN\x09" + bytes(60)])
def test_what_is_not_a_file_is_not_identified(data):
    with pytest.raises(UnidentifiedImageError):
        Image.open(BytesIO(data))


def test_damage_is_an_error_of_the_system(file):
    data = bytearray(file.read_bytes())
    data[-8] ^= 1
    with Image.open(BytesIO(data)) as picture, pytest.raises(OSError, match="checksum"):
        picture.load()


def test_large_pictures_are_refused_until_allowed(file):
    for allowed in (47 * 33 - 1, 47 * 33):
        codec.register_pillow(max_pixels=allowed)
        with Image.open(file) as picture:
            if allowed < 47 * 33:
                with pytest.raises(OSError, match="max_pixels"):
                    picture.load()
            else:
                assert np.asarray(picture).shape == (33, 47, 3)


def test_a_parser_gives_the_same_pixels(tiny, photo, tmp_path, pillow):
    data = codec.encode(photo[:20, :30], codec.EncodeOptions(effort=0)).data
    parser = ImageFile.Parser()
    for start in range(0, len(data), 7):
        parser.feed(data[start : start + 7])
    assert np.array_equal(np.asarray(parser.close()), codec.decode(data))
    parser = ImageFile.Parser()
    parser.feed(data[:-9])
    with pytest.raises(OSError):
        parser.close()


def test_a_rotated_picture_is_not_turned_again(tiny, photo, tmp_path, pillow):
    codec.register_pillow()
    tags = Image.Exif()
    tags[0x0112] = 6
    Image.fromarray(photo[:20, :30]).save(tmp_path / "photo.png", exif=tags)
    with Image.open(tmp_path / "photo.png") as picture:
        picture.transpose(Image.Transpose.ROTATE_270).save(tmp_path / "turned.nni", effort=0)
        picture.save(tmp_path / "opened.nni", effort=0)
        picture.copy().save(tmp_path / "given.nni", effort=0, exif=tags)
    pixels = [codec.decode(tmp_path / f"{name}.nni") for name in ("turned", "opened", "given")]
    assert pixels[0].shape == (30, 20, 3)
    assert np.array_equal(pixels[0], pixels[1]) and np.array_equal(pixels[0], pixels[2])
    for name in ("turned", "opened", "given"):
        with Image.open(tmp_path / f"{name}.nni") as picture:
            assert 0x0112 not in picture.getexif()


def test_dots_per_inch(tiny, photo, tmp_path, pillow):
    codec.register_pillow()
    Image.fromarray(photo[:20, :30]).save(tmp_path / "photo.nni", effort=0, dpi=(300, 150))
    with Image.open(tmp_path / "photo.nni") as picture:
        assert picture.info["dpi"] == (300, 150)


def test_strict_refuses_what_would_be_lost(tiny, tmp_path, pillow):
    codec.register_pillow()
    with pytest.raises(OSError, match="converted from CMYK"):
        Image.new("CMYK", (8, 8)).save(tmp_path / "photo.nni", effort=0, strict=True)
    assert not list(tmp_path.iterdir())
