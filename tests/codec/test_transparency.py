"""Pictures with an alpha channel, from any mode of Pillow to files and back."""

from __future__ import annotations

import dataclasses
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import codec
from bitstream import Container, InvalidField, Tag
from codec.cli import main
from codec.errors import ImageError
from codec.picture import transparency
from codec.picture.pixels import psnr_db
from codec.pictures import load_raster

OPTIONS = codec.EncodeOptions(codec.Lossy(quality=80), effort=1)


@pytest.fixture
def samples(photo: np.ndarray) -> np.ndarray:
    """A photograph that fades out to the right, noise where it is transparent: uint8 [40 56 4]."""
    alpha = np.tile(np.clip(300 - 8 * np.arange(56), 0, 255).astype(np.uint8), (40, 1))
    found = np.dstack([photo[:40, :56], alpha])
    noise = np.random.default_rng(0).integers(0, 256, found.shape, np.uint8)
    return np.where(alpha[..., None] == 0, noise & [255, 255, 255, 0], found).astype(np.uint8)


def png(picture: Image.Image, **options: object) -> bytes:
    file = BytesIO()
    picture.save(file, "PNG", **options)
    return file.getvalue()


def test_opacity_is_exact_and_colours_are_close(tiny, samples):
    result = codec.encode(samples, OPTIONS)
    decoded = codec.decode(result.data)
    assert decoded.shape == samples.shape
    assert np.array_equal(decoded[..., 3], samples[..., 3])
    assert codec.probe(result.data).chunks["alpha"] > 0
    filled = transparency.continued(samples)[..., :3]
    assert psnr_db(decoded[..., :3], filled) == pytest.approx(result.report.psnr_db)


def test_what_is_hidden_costs_little(tiny, samples):
    visible = samples[..., 3:] > 0
    black = np.where(visible, samples, 0).astype(np.uint8)
    noisy, hidden = (len(codec.encode(found, OPTIONS).data) for found in (samples, black))
    assert noisy == hidden
    opaque = np.dstack([samples[..., :3], np.full(samples.shape[:2], 255, np.uint8)])
    alpha_bytes = codec.probe(codec.encode(samples, OPTIONS).data).chunks["alpha"]
    assert noisy < len(codec.encode(opaque, OPTIONS).data) + alpha_bytes


def test_an_opaque_alpha_channel_costs_nothing(tiny, samples):
    opaque = samples.copy()
    opaque[..., 3] = 255
    expected = codec.encode(samples[..., :3], OPTIONS).data
    assert codec.encode(opaque, OPTIONS).data == expected
    assert codec.encode(png(Image.fromarray(opaque)), OPTIONS).data == expected


@pytest.mark.parametrize("seen", ["corner", "dots", "nothing", "everything"])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (33, 18)])
def test_filling_changes_nothing_that_is_seen(seen, size):
    rng = np.random.default_rng(1)
    pixels = rng.integers(100, 120, (*size, 3), np.uint8)
    mask = {
        "corner": np.pad(np.ones((1, 1), bool), ((0, size[0] - 1), (0, size[1] - 1))),
        "dots": rng.random(size) < 0.1,
        "nothing": np.zeros(size, bool),
        "everything": np.ones(size, bool),
    }[seen]
    pixels[~mask] = 255
    filled = transparency.fill(pixels, mask)
    assert np.array_equal(filled[mask], pixels[mask])
    if mask.any():  # what is put there is between what is seen, but for rounding
        assert filled.min() >= pixels[mask].min() - 1
        assert filled.max() <= pixels[mask].max() + 1
    else:
        assert (filled == 128).all()


def modes() -> list[tuple[str, Image.Image, dict]]:
    ramp = np.tile(np.arange(0, 256, 16, np.uint8), (16, 1))
    grey = Image.fromarray(np.dstack([ramp.T, ramp]), "LA")
    colours = Image.fromarray(np.dstack([ramp, ramp.T, ramp, ramp.T]))
    palette = Image.fromarray(ramp // 16).convert("P")
    keyed = Image.fromarray(np.dstack([ramp, ramp.T, ramp]))
    return [
        ("LA", grey, {}),
        ("RGBA", colours, {}),
        ("P", palette, {"transparency": bytes(range(0, 256, 16))}),
        ("P", palette, {"transparency": 3}),
        ("L", Image.fromarray(ramp), {"transparency": 32}),
        ("RGB", keyed, {"transparency": (16, 0, 16)}),
    ]


@pytest.mark.parametrize(("mode", "picture", "options"), modes())
def test_transparency_of_any_mode_is_kept(tiny, mode, picture, options):
    data = png(picture, **options)
    with Image.open(BytesIO(data)) as opened:
        assert opened.mode == mode
        expected = np.array(opened.convert("RGBA"))[..., 3]
    assert expected.min() < 255
    assert np.array_equal(codec.decode(codec.encode(data, OPTIONS).data)[..., 3], expected)


def test_a_turned_picture_keeps_its_transparency(tiny, samples):
    exif = Image.Exif()
    exif[0x0112] = 6
    data = codec.encode(png(Image.fromarray(samples), exif=exif), OPTIONS).data
    assert np.array_equal(codec.decode(data)[..., 3], np.rot90(samples[..., 3], -1))


def test_content_of_a_standard_codec_has_it_too(tiny, samples):
    options = codec.EncodeOptions(codec.Lossy(content="jpeg"), effort=1)
    decoded = codec.decode(codec.encode(samples, options).data)
    assert np.array_equal(decoded[..., 3], samples[..., 3])


def test_standard_files_refuse_it_with_advice(tiny, samples):
    options = codec.EncodeOptions(codec.Standard("webp"))
    with pytest.raises(ImageError, match="WEBP files of this codec do not hold; flatten"):
        codec.encode(samples, options)
    file = BytesIO()
    Image.fromarray(samples[..., :3]).save(file, "JPEG")
    with pytest.raises(ImageError, match="transparency; flatten"):
        codec.enhance(samples, file.getvalue())


def test_malformed_transparency_is_refused(tiny, samples):
    container = Container.unpack(codec.encode(samples, OPTIONS).data)
    chunks = container.chunks | {Tag.ALPHA: b"\x04"}
    with pytest.raises(InvalidField, match="filter 4"):
        codec.decode(dataclasses.replace(container, chunks=chunks).pack())


def test_on_the_command_line(tiny, samples, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("logo.png").write_bytes(png(Image.fromarray(samples)))
    samples[0, 0, 3] ^= 1
    Path("other.png").write_bytes(png(Image.fromarray(samples)))
    Path("opaque.png").write_bytes(png(Image.fromarray(samples[..., :3])))

    def run(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(main, arguments, prog_name="nncodec")
        assert result.exit_code == code, result.output
        return result.output

    run("encode", "-e", "1", "--report", "page.html", "logo.png")
    assert ">alpha</th>" in Path("page.html").read_text("utf-8")
    assert "alpha chunk" in run("info", "logo.nni")
    shown = run("verify", "logo.nni", "--against", "logo.png")
    assert re.fullmatch(r"logo\.nni: ok  56 x 40  PSNR \d+\.\d\d dB  SSIMULACRA2 \S+\n", shown)
    for other in ("other.png", "opaque.png"):
        assert "another transparency" in run("verify", "logo.nni", "--against", other, code=1)
    run("decode", "logo.nni", "back.png")
    with Image.open("back.png") as back:
        assert back.mode == "RGBA"
        assert np.array_equal(np.asarray(back), codec.decode("logo.nni"))
    assert "has transparency" in run("encode", "--content", "jpeg", "logo.png", code=1)


def test_pillow_opens_and_saves_it(tiny, samples, tmp_path, pillow):
    codec.register_pillow()
    Image.fromarray(samples).save(tmp_path / "logo.nni", effort=0)
    with Image.open(tmp_path / "logo.nni") as picture:
        assert (picture.mode, picture.size) == ("RGBA", (56, 40))
        assert np.array_equal(np.asarray(picture), codec.decode(tmp_path / "logo.nni"))


def test_a_picture_of_which_nothing_is_seen_is_named(photo):
    unseen = np.dstack([photo[:40, :56], np.zeros((40, 56), np.uint8)])
    note = "nothing of it is seen: its opacity is 0"
    assert load_raster(unseen, OPTIONS).note == note
    assert load_raster(unseen, codec.EncodeOptions(codec.Lossless())).note == ""
    unseen[0, 0, 3] = 1
    assert load_raster(unseen, OPTIONS).note == ""
    with pytest.raises(ImageError, match="refused by --strict"):
        load_raster(
            unseen * np.array([1, 1, 1, 0], np.uint8), dataclasses.replace(OPTIONS, strict=True)
        )
