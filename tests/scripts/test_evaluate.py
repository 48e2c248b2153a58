"""Tests of scripts/evaluate.py and of the codecs it measures."""

from __future__ import annotations

import importlib.metadata
import io
import math
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from codec.contract.modes import Lossy, Standard
from codec.encoding.contents.standard import STANDARD
from codec.research import codecs, evaluate
from codec.research.codecs import CoderError, Pixels
from codec.research.tables import read_rows

if TYPE_CHECKING:
    from tests.scripts.conftest import RunScript


@pytest.fixture
def fake_codec(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands for the package: keeps one value per image, and records the options in its size."""

    def encode(pixels: Pixels, options: SimpleNamespace) -> SimpleNamespace:
        if options.effort > 9:
            raise RuntimeError("no such effort")
        if isinstance(options.mode, Standard):
            plain = STANDARD[options.mode.format].write(pixels, options.mode.quality)
            return SimpleNamespace(data=plain, report=SimpleNamespace(update_bytes=0))
        height, width, _ = pixels.shape
        data = bytes([height, width, int(pixels.mean())]) + bytes(options.effort)
        none = vars(options).get("update") == "none"
        return SimpleNamespace(data=data, report=SimpleNamespace(update_bytes=0 if none else 7))

    def decode(data: bytes) -> Pixels:
        return np.full((data[0], data[1], 3), data[2], dtype=np.uint8)

    def probe(data: bytes) -> SimpleNamespace:
        return SimpleNamespace(chunks={"prior": 2} if data[3:] else {})

    module = ModuleType("codec")
    vars(module).update(
        probe=probe,
        encode=encode,
        decode=decode,
        EncodeOptions=lambda mode, **others: SimpleNamespace(mode=mode, **others),
        Lossy=Lossy,
        Standard=Standard,
        CodecError=RuntimeError,
        __version__="0.0",
    )
    monkeypatch.setitem(sys.modules, "codec", module)


def test_jpeg_rows(run_script: RunScript, images: Path, tmp_path: Path) -> None:
    table = tmp_path / "results" / "jpeg.tsv"
    status, out, err = run_script(
        evaluate.main,
        *("--images", images, "--codec", "jpeg", "--qualities", "20,80", "--out", table),
    )
    assert status == 0
    assert len(err.splitlines()) == 4
    assert len(out.splitlines()) == 3
    large, better, small, _ = read_rows(table)
    assert (large.image, large.width, large.height) == ("large", 176, 192)
    assert (large.codec, large.effort, large.update_bytes) == ("jpeg", "", 0)
    assert large.bpp == pytest.approx(8 * large.bytes / (176 * 192), abs=1e-6)
    assert large.bytes < better.bytes
    assert 20 < large.psnr_db < better.psnr_db
    assert large.ms_ssim < better.ms_ssim < 1
    assert large.ssimulacra2 < better.ssimulacra2 < 100
    assert math.isnan(small.ms_ssim) and small.ssimulacra2 < 100
    assert large.version


def test_a_second_run_measures_only_what_is_missing(
    run_script: RunScript, images: Path, tmp_path: Path
) -> None:
    table = tmp_path / "jpeg.tsv"
    common = ("--images", images, "--codec", "jpeg", "--out", table, "--qualities")
    run_script(evaluate.main, *common, "50")
    before = table.read_text()
    status, out, err = run_script(evaluate.main, *common, "50,70")
    assert status == 0
    assert table.read_text().startswith(before)
    assert [line.split()[2] for line in err.splitlines()] == ["q70", "q70"]
    assert len(read_rows(table)) == 4
    assert [line.split()[0] for line in out.splitlines()] == ["quality", "50", "70"]


@pytest.mark.usefixtures("fake_codec")
def test_nncodec_rows(run_script: RunScript, images: Path, tmp_path: Path) -> None:
    table = tmp_path / "nncodec.tsv"
    common = ("--images", images, "--codec", "nncodec", "--qualities", "12.5", "--out", table)
    assert run_script(evaluate.main, *common)[0] == 0
    assert run_script(evaluate.main, *common, "--effort", "2", "--no-update")[0] == 0
    first, _, other, _ = read_rows(table)
    assert first.key == ("large", "nncodec", "5", 12.5)
    assert (first.bytes, first.update_bytes, first.version) == (8, 7, "0.0")
    assert other.key == ("large", "nncodec-noupdate", "2", 12.5)
    assert (other.bytes, other.update_bytes) == (5, 0)
    assert first.prior_bytes == 2


@pytest.mark.usefixtures("fake_codec")
@pytest.mark.parametrize("content", ["jpeg", "webp"])
def test_standard_files_without_a_payload_are_those_of_the_baseline(
    run_script: RunScript, images: Path, tmp_path: Path, content: str
) -> None:
    common = ("--images", images, "--qualities", "30", "--out", tmp_path / "rows.tsv")
    assert run_script(evaluate.main, *common, "--codec", content)[0] == 0
    ours = ("--codec", "nncodec", "--content", content)
    assert run_script(evaluate.main, *common, *ours)[0] == 0
    assert run_script(evaluate.main, *common, *ours, "--no-update")[0] == 0
    plain, _, found, _, other, _ = read_rows(tmp_path / "rows.tsv")
    assert (found.codec, other.codec) == (f"nncodec-{content}", f"nncodec-{content}-noupdate")
    assert found.bytes == plain.bytes and found.psnr_db == plain.psnr_db


def test_settings_of_the_avif_baselines() -> None:
    fast, slow = codecs.baseline("avif"), codecs.baseline("avif-speed1")
    assert fast.options == STANDARD["avif"].options
    assert (fast.format, slow.format) == ("avif", "avif")
    assert (fast.options["speed"], slow.options["speed"]) == (4, 1)
    assert fast.options["advanced"] == {"tune": "psnr"}


def test_the_own_tune_of_avif_makes_other_files() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    files = [codecs.baseline(name).encode(pixels, 50.0).data for name in ("avif", "avif-default")]
    assert files[0] != files[1]
    assert codecs.baseline("avif-default").decode(files[1]).shape == pixels.shape


def test_jpegli_is_given_the_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    def encode(data: bytes, width: int, height: int, quality: int) -> bytes:
        file = io.BytesIO()
        Image.frombytes("RGB", (width, height), data).save(file, "jpeg", quality=quality)
        return file.getvalue()

    monkeypatch.setitem(sys.modules, "pyjpegli", SimpleNamespace(encode=encode))
    monkeypatch.setattr(importlib.metadata, "version", {"pyjpegli": "1.2"}.__getitem__)
    pixels = np.random.default_rng(1).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    coder = codecs.baseline("jpegli")
    low, high = (coder.encode(pixels, quality).data for quality in (10.0, 90.0))
    assert (coder.name, coder.version, coder.effort) == ("jpegli", "1.2", "")
    assert len(low) < len(high) and coder.decode(low).shape == pixels.shape
    with pytest.raises(CoderError, match=r"jpegli has whole qualities only, not 0\.5"):
        coder.encode(pixels, 0.5)


@pytest.mark.usefixtures("fake_codec")
def test_what_the_codec_refuses_is_one_line(
    run_script: RunScript, images: Path, tmp_path: Path
) -> None:
    status, _, err = run_script(
        evaluate.main,
        *("--images", images, "--codec", "nncodec", "--qualities", "50", "--effort", "10"),
        *("--out", tmp_path / "nncodec.tsv"),
    )
    assert (status, err) == (1, "evaluate: no such effort\n")


@pytest.mark.parametrize(
    "extra",
    [
        ("--codec", "jpeg", "--qualities", "high"),
        ("--codec", "jpeg", "--qualities", "101"),
        ("--codec", "gif", "--qualities", "50"),
        ("--codec", "jpeg", "--qualities", "50", "--effort", "3"),
        ("--codec", "webp", "--qualities", "50", "--no-update"),
        ("--codec", "webp", "--qualities", "50", "--content", "webp"),
    ],
)
def test_usage_errors(
    run_script: RunScript, images: Path, tmp_path: Path, extra: tuple[str, ...]
) -> None:
    status, _, _ = run_script(
        evaluate.main, "--images", images, "--out", tmp_path / "a.tsv", *extra
    )
    assert status == 2


def test_failures_are_one_line(
    run_script: RunScript, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)  # as if not installed
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "a.png").write_bytes(b"no picture")
    other = tmp_path / "other.tsv"
    other.write_text("another table\n")
    fresh = tmp_path / "fresh.tsv"
    for folder, codec, quality, out, reason in (
        (tmp_path / "missing", "jpeg", "50", fresh, "no PNG images"),
        (broken, "jpeg", "50", fresh, "cannot identify"),
        (images, "jpeg", "12.5", fresh, "whole qualities"),
        (images, "jxl", "50", fresh, "pillow-jxl-plugin"),
        (images, "jpeg", "50", other, "header"),
    ):
        status, _, err = run_script(
            evaluate.main,
            *("--images", folder, "--codec", codec, "--qualities", quality, "--out", out),
        )
        assert status == 1
        assert reason in err
        assert err.startswith("evaluate: ")
        assert err.count("\n") == 1
