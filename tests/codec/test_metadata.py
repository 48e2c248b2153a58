"""Colour profile, EXIF and XMP from picture to file and back."""

from __future__ import annotations

import dataclasses
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image, ImageCms

import codec
from bitstream import Container, InvalidField, LimitExceeded, Tag
from bitstream.limits import MAX_METADATA_BYTES
from codec.cli import main
from codec.contract.modes import mode_of
from codec.errors import ImageError, OptionError
from codec.picture import writing
from codec.picture.metadata import Metadata

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF/></x:xmpmeta>'
ORIENTATION, TITLE = 0x0112, 0x010E
OPTIONS = codec.EncodeOptions(effort=0)


def tagged(pixels: np.ndarray, orientation: int = 1) -> bytes:
    """A PNG with all kinds of metadata."""
    exif = Image.Exif()
    exif[TITLE], exif[ORIENTATION] = "a face", orientation
    file = BytesIO()
    writing.save_png(pixels, file, Metadata(PROFILE, exif.tobytes(), XMP))
    return file.getvalue()


@pytest.fixture
def small(photo: np.ndarray) -> np.ndarray:
    return photo[:20, :30]


def test_all_metadata_are_kept(tiny, small):
    data = codec.encode(tagged(small), OPTIONS).data
    found = codec.read_metadata(data)
    assert (found.icc, found.xmp) == (PROFILE, XMP)
    exif = Image.Exif()
    exif.load(found.exif)
    assert exif[TITLE] == "a face"
    assert {"icc", "exif", "xmp"} <= codec.probe(data).chunks.keys()


def test_metadata_change_no_pixel_and_cost_no_byte_without(tiny, small):
    plain = codec.encode(small, OPTIONS).data
    with_metadata = codec.encode(tagged(small), OPTIONS).data
    assert np.array_equal(codec.decode(with_metadata), codec.decode(plain))
    none = dataclasses.replace(OPTIONS, metadata=())
    assert codec.encode(tagged(small), none).data == plain


def test_the_picture_is_turned_upright_and_its_tag_removed(tiny, small):
    data = codec.encode(tagged(small, orientation=6), OPTIONS).data
    turned = codec.encode(np.rot90(small, -1), OPTIONS).data
    assert np.array_equal(codec.decode(data), codec.decode(turned))
    exif = Image.Exif()
    exif.load(codec.read_metadata(data).exif)
    assert dict(exif) == {TITLE: "a face"}


def test_chosen_kinds_only(tiny, small):
    for content, standard in (("learned", False), ("jpeg", True)):
        options = codec.EncodeOptions(
            mode_of(content=content, standard_file=standard), effort=0, metadata=("icc",)
        )
        found = codec.read_metadata(codec.encode(tagged(small), options).data)
        assert (found.icc, found.exif, found.xmp) == (PROFILE, b"", b"")


@pytest.mark.parametrize("kinds", [("gps",), "icc"])
def test_unknown_kinds_are_refused(kinds):
    with pytest.raises(OptionError, match="metadata must be"):
        codec.EncodeOptions(metadata=kinds)


@pytest.mark.parametrize("tag", [Tag.ICC, Tag.EXIF, Tag.XMP])
def test_malformed_metadata_are_refused(tiny, small, tag):
    container = Container.unpack(codec.encode(small, OPTIONS).data)
    bad = dataclasses.replace(container, chunks=container.chunks | {tag: b"\x05abc"}).pack()
    for read in (codec.decode, codec.read_metadata):
        with pytest.raises(InvalidField, match="metadata"):
            read(bad)


def test_metadata_that_promise_too_much_are_refused(tiny, small):
    container = Container.unpack(codec.encode(small, OPTIONS).data)
    chunks = container.chunks | {Tag.XMP: b"\xff\xff\xff\x7f\x01"}
    with pytest.raises(LimitExceeded, match=str(MAX_METADATA_BYTES)):
        codec.decode(dataclasses.replace(container, chunks=chunks).pack())


def test_metadata_too_large_for_the_format_are_left_out_with_a_note(tiny, small):
    picture = Image.fromarray(small)
    picture.info["xmp"] = bytes(MAX_METADATA_BYTES + 1)
    result = codec.encode(picture, OPTIONS)
    assert codec.read_metadata(result.data).xmp == b""
    assert "XMP larger than 16,777,216 bytes left out" in result.report.note
    with pytest.raises(ImageError, match="XMP larger than"):
        codec.encode(picture, dataclasses.replace(OPTIONS, strict=True))


def test_on_the_command_line(tiny, small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("photo.png").write_bytes(tagged(small, orientation=8))

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(main, arguments, prog_name="nncodec")
        assert result.exit_code == 0, result.output
        return result.output

    run("encode", "-e", "0", "photo.png")
    assert "icc chunk" in run("info", "photo.nni")
    shown = run("verify", "photo.nni", "--against", "photo.png")
    assert re.fullmatch(r"photo\.nni: ok  20 x 30  PSNR \d+\.\d\d dB  SSIMULACRA2 \S+\n", shown)
    run("decode", "photo.nni", "back.png")
    with Image.open("back.png") as back:
        assert back.size == (20, 30)
        assert (back.info["icc_profile"], back.info["xmp"]) == (PROFILE, XMP)
        assert dict(back.getexif()) == {TITLE: "a face"}

    run("encode", "-e", "0", "--metadata", "icc,xmp", "photo.png", "some.bin")
    assert codec.probe("some.bin").chunks.keys() == {"icc", "xmp", "content", "pixels"}
    run("encode", "-e", "0", "--metadata", "none", "photo.png", "none.bin")
    assert codec.probe("none.bin").chunks.keys() == {"content", "pixels"}
    result = CliRunner().invoke(main, ["encode", "--metadata", "gps", "photo.png"])
    assert result.exit_code == 2


def test_pillow_knows_them_before_it_decodes(tiny, small, tmp_path, pillow, monkeypatch):
    codec.register_pillow()
    path = tmp_path / "photo.nni"
    with Image.open(BytesIO(tagged(small, orientation=6))) as picture:
        picture.save(path, effort=0)
    with monkeypatch.context() as context:
        context.setitem(vars(codec), "decode", None)
        with Image.open(path) as found:
            assert found.size == (20, 30)
            assert (found.info["icc_profile"], found.info["xmp"]) == (PROFILE, XMP)
            assert dict(found.getexif()) == {TITLE: "a face"}


def test_pillow_saves_what_it_is_given(tiny, small, tmp_path, pillow):
    codec.register_pillow()
    path, exif = tmp_path / "photo.nni", Image.Exif()
    exif[TITLE] = "another"
    with Image.open(BytesIO(tagged(small))) as picture:
        picture.save(path, effort=0, icc_profile=None, exif=exif)
        assert picture.info["icc_profile"] == PROFILE
    found = codec.read_metadata(path)
    assert (found.icc, found.xmp) == (b"", XMP)
    assert b"another" in found.exif
