"""Tables of tunes and other codecs, and Butteraugli by its program."""

from __future__ import annotations

import math
import stat
from pathlib import Path

import numpy as np
import pytest

from codec.research import metrics
from codec.research.bdrate import CurveError, bd_rate
from codec.research.codecs import NncodecCoder
from codec.research.curves import RatePoint
from scripts.compare.quality import Judged, cost_table, middle, rate_table, seam_table


def row(codec: str, quality: float, size: int, ssimulacra2: float, **figures: float) -> Judged:
    values = {"psnr_db": 20 + quality / 5, "ms_ssim": 0.9 + quality / 1000, "butteraugli": math.nan}
    return Judged(
        image="a",
        width=8,
        height=8,
        codec=codec,
        effort="4" if codec.startswith("nncodec") else "",
        quality=quality,
        bytes=size,
        bpp=size / 8,
        enc_s=2.0 if codec == "nncodec" else 3.0,
        dec_s=0.1,
        update_bytes=0,
        version="",
        ssimulacra2=ssimulacra2,
        group="photographs",
        seams=1.25,
        original_seams=1.125,
        **(values | figures),
    )


@pytest.fixture
def rows() -> list[Judged]:
    """The tuned codec takes half the bytes for the same SSIMULACRA2; JPEG four times."""
    found = []
    for quality, figure in ((20.0, 20.0), (50.0, 60.0), (90.0, 95.0)):
        size = int(10 * 2 ** (quality / 10))
        found += [
            row("nncodec", quality, 2 * size, figure),
            row("nncodec-ssimulacra2", quality, size, figure),
            row("jpeg", quality, 4 * size, figure),
        ]
    return found


def test_rates_at_equal_quality(rows):
    lines = rate_table(rows).splitlines()
    assert [cell.strip() for cell in lines[0].split("|")[4:-1]] == [
        metric.label for metric in metrics.MEASURED.values()
    ]
    assert lines[2].startswith("| photographs | ssimulacra2 | tune psnr | -50.0 % | -50.0 % |")
    assert lines[3].startswith("| photographs | ssimulacra2 | JPEG 4:2:0 | -75.0 % | -75.0 % |")
    assert lines[2].endswith("| – |")  # Butteraugli was not measured


def test_costs_and_seams(rows):
    assert cost_table(rows).splitlines()[2] == "| ssimulacra2 | 1.50 | -50.0% | +0.00 dB |"
    assert seam_table(rows).splitlines()[2] == "| photographs | 20 | 1.250 | 1.250 | 1.125 |"


def test_rates_between_two_values():
    anchor = [RatePoint(1.0, 0.0), RatePoint(2.0, 10.0), RatePoint(4.0, 20.0)]
    test = [RatePoint(1.0, 0.0), RatePoint(2.0, 10.0), RatePoint(16.0, 20.0)]
    assert bd_rate(anchor, test, (0.0, 5.0)) < 2 < bd_rate(anchor, test)
    with pytest.raises(CurveError, match="no range"):
        bd_rate(anchor, test, (30.0, 90.0))


def test_the_middle_of_a_picture():
    pixels = np.arange(5 * 8 * 3, dtype=np.uint8).reshape(5, 8, 3)
    assert np.array_equal(middle(pixels, 4), pixels[:4, 2:6])
    assert np.array_equal(middle(pixels, 9), pixels)


def test_names_of_tunes():
    assert NncodecCoder(4).name == "nncodec"
    assert NncodecCoder(4, tune="ms-ssim").name == "nncodec-ms-ssim"


def test_butteraugli_is_the_last_word_of_its_program(tmp_path: Path, monkeypatch):
    pixels = np.zeros((8, 8, 3), np.uint8)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert math.isnan(metrics.butteraugli(pixels, pixels))
    program = tmp_path / metrics.PROGRAM
    program.write_text("#!/bin/sh\necho 4.5\necho 3-norm: 1.25\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    assert metrics.butteraugli(pixels, pixels) == 1.25
    assert metrics.MEASURED["butteraugli"].spread(0.5) == 1
