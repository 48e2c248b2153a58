"""Pictures of all formats on the command line: what is noted or refused, and what is written."""

from __future__ import annotations

import json
import os
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from bitstream.file.container import Container, Tag
from bitstream.file.header import Header
from codec.decoding import decoder
from codec.decoding.restored import Restored
from codec.picture.metadata import NO_METADATA, Metadata

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
TITLE = 0x010E


def tagged(pixels: np.ndarray) -> bytes:
    """A file of this codec with a profile, EXIF and IPTC."""
    height, width, _ = pixels.shape
    exif = Image.Exif()
    exif[TITLE] = "a face"
    metadata = Metadata(PROFILE, exif.tobytes(), b"", b"\x1c\x02\x78\x00\x05hello")
    header = Header(width, height, quality=101, model=b"\x01\x02\x03\x04")
    chunks = metadata.chunks() | {Tag.CONTENT: pixels.tobytes()}
    return Container(header, chunks).pack()


FORMATS = [
    ("jpg", "JPEG", 12),
    ("webp", "WEBP", 0),
    ("avif", "AVIF", 20),
    ("tif", "TIFF", 0),
    ("ppm", "PPM", 0),
    ("png", "PNG", 0),
]


@pytest.mark.parametrize(("suffix", "name", "error"), FORMATS)
def test_decode_to_each_format(run, folder, suffix, name, error):
    pixels = np.tile(np.arange(0, 240, 10, dtype=np.uint8)[:, None, None], (1, 32, 3))
    Path("face.nni").write_bytes(tagged(pixels))
    result = run("decode", "face.nni", f"face.{suffix}")
    assert result.exit_code == 0, result.output
    with Image.open(f"face.{suffix}") as picture:
        assert picture.format == name
        assert np.abs(np.asarray(picture).astype(int) - pixels).max() <= error
        if name != "PPM":
            assert picture.info["icc_profile"] == PROFILE
            assert picture.getexif()[TITLE] == "a face"
    holds_iptc = name in ("JPEG", "TIFF", "PNG")
    assert ("IPTC does not fit" in result.stderr) == (not holds_iptc)
    assert ("colour profile does not fit" in result.stderr) == (name == "PPM")
    if holds_iptc:
        run("encode", f"face.{suffix}", "again.bin")
        assert b"hello" in Path(f"face.{suffix}").read_bytes() or name == "PNG"


@pytest.mark.parametrize(("suffix", "name", "error"), FORMATS)
def test_decode_to_a_stream(run, suffix, name, error, pixels):
    form = {"jpg": "jpeg", "tif": "tiff"}.get(suffix, suffix)
    result = run("decode", "--format", form, "-", "-", stdin=Path("photo.bin").read_bytes())
    assert result.exit_code == 0, result.output
    with Image.open(BytesIO(result.stdout_bytes)) as picture:
        assert (picture.format, picture.size) == (name, (12, 8))


def test_names_of_formats(run, folder):
    run("decode", "--format", "webp", "photo.bin")
    assert Path("photo.webp").read_bytes()[8:12] == b"WEBP"
    assert run("decode", "--format", "webp", "photo.bin", "x.jpg").exit_code == 2
    run("decode", "--format", "tiff", "photo.bin", "x.bin")
    assert Path("x.bin").read_bytes()[:2] == b"II"


def test_strict(run):
    Image.new("CMYK", (4, 4)).save("print.jpg")
    result = run("encode", "print.jpg")
    assert result.exit_code == 0
    result = run("encode", "--strict", "-f", "print.jpg")
    assert result.exit_code == 1
    assert result.stderr.startswith("nncodec: print.jpg: colours converted from CMYK, which has no")
    assert result.stderr.count("\n") == 1


def test_frame(run, fake):
    frames = [Image.new("RGB", (8, 8), (70 * number,) * 3) for number in range(3)]
    frames[0].save("film.gif", save_all=True, append_images=frames[1:])
    assert "choose one with --frame" in run("encode", "film.gif").stderr
    assert run("encode", "--frame", "2", "film.gif").exit_code == 0
    content = Container.unpack(Path("film.nni").read_bytes()).chunks[Tag.CONTENT]
    assert set(content) == {140}


def test_max_pixels_of_encode(run):
    assert "larger than 95 pixels" in run("encode", "--max-pixels", "95", "photo.png").stderr
    assert run("encode", "--max-pixels", "0.1k", "photo.png").exit_code == 0


def test_truncated(run):
    Image.new("RGB", (8, 8)).save("cut.jpg")
    Path("cut.jpg").write_bytes(Path("cut.jpg").read_bytes()[:-2])
    assert "--truncated" in run("encode", "cut.jpg").stderr
    assert run("encode", "--truncated", "cut.jpg").exit_code == 0


def test_preserve_keeps_times(run):
    os.utime("photo.png", ns=(10**18, 10**18 + 12345))
    run("encode", "-p", "photo.png", "a.nni")
    run("decode", "--preserve", "a.nni", "b.png")
    assert os.stat("b.png").st_mtime_ns == os.stat("a.nni").st_mtime_ns == 10**18 + 12345
    run("decode", "a.nni", "c.png")
    assert os.stat("c.png").st_mtime_ns > 10**18 + 10**12


def test_a_file_of_this_codec_is_encoded_again(run, pixels, monkeypatch):
    monkeypatch.setattr(decoder, "restore", lambda *_: Restored(pixels, NO_METADATA))
    Path("face.nni").write_bytes(tagged(pixels))
    assert run("encode", "face.nni", "again.bin").exit_code == 0
    found = Container.unpack(Path("again.bin").read_bytes())
    assert found.chunks[Tag.CONTENT] == pixels.tobytes()
    assert "is the input itself" in run("encode", "face.nni").stderr


def test_folders_pass_over_no_picture_in_silence(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    names = ("a.heic", "b.ico", "c.apng", "d.cr2")
    Path("album").mkdir()
    Path("album/a.heic").write_bytes(b"\0\0\0\x14ftypheic\0\0\0\0heic")
    Image.new("RGB", (16, 16)).save("album/b.ico")
    frame = Image.new("RGB", (8, 8))
    frame.save("album/c.png", save_all=True, append_images=[Image.new("RGB", (8, 8), "red")])
    Path("album/c.png").rename("album/c.apng")
    Path("album/d.cr2").write_bytes(b"anything")
    result = run("encode", "--jobs", "1", "--json", "-r", "album", "--output-dir", "out")
    found = {
        Path(row["input"]).name: row.get("error", "")
        for row in map(json.loads, result.stdout.splitlines())
    }
    assert found.keys() == set(names)
    assert found["b.ico"] == ""
    assert "pip install pillow-heif" in found["a.heic"]
    assert "2 frames" in found["c.apng"] and "not an image" in found["d.cr2"]


def test_two_pictures_of_one_name(run):
    Path("album").mkdir()
    for suffix in ("jpg", "png"):
        Image.new("RGB", (8, 8)).save(f"album/x.{suffix}")
    result = run("encode", "--jobs", "1", "-r", "album", "--output-dir", "out")
    assert result.exit_code == 1
    assert os.listdir("out") == ["x.nni"]
    assert (
        "out/x.nni: is the output of album/x.jpg, and cannot be that of album/x.png"
        in result.stderr
    )
