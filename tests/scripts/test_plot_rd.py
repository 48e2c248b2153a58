"""Tests of scripts/plot_rd.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from codec.research import plot
from codec.research.curves import read_curves

if TYPE_CHECKING:
    from tests.scripts.conftest import RunScript, WriteTable


def test_writes_a_png(run_script: RunScript, write_table: WriteTable, tmp_path: Path) -> None:
    out = tmp_path / "rd.png"
    status, _, _ = run_script(plot.main, write_table("a.tsv"), "--out", out)
    assert status == 0
    with Image.open(out) as picture:
        assert picture.format == "PNG"


def test_one_line_per_codec_and_effort(write_table: WriteTable, tmp_path: Path) -> None:
    table = write_table("a.tsv")
    write_table("a.tsv", codec="nncodec", effort="2")
    write_table("a.tsv", codec="nncodec", effort="5")
    anchors = tmp_path / "anchors.json"
    anchors.write_text(json.dumps({"codecs": {"old": [{"bpp": 4.0, "psnr": 30.0}]}}))
    curves = read_curves(str(table), "psnr_db") + read_curves(f"{anchors}:old", "psnr_db")
    axes = plot.draw(curves).axes[0]
    assert [(line.get_label(), line.get_linestyle()) for line in axes.lines] == [
        ("jpeg", "-"),
        ("nncodec effort 2", "-"),
        ("nncodec effort 5", "-"),
        ("old (measured)", "--"),
    ]
    assert axes.get_xlim()[1] < 4.0  # the anchor does not stretch the axis


def test_errors(run_script: RunScript, write_table: WriteTable, tmp_path: Path) -> None:
    out = tmp_path / "rd.png"
    status, _, err = run_script(plot.main, tmp_path / "missing.tsv", "--out", out)
    assert (status, err.count("\n"), out.exists()) == (1, 1, False)
    status, _, _ = run_script(plot.main, write_table("a.tsv"), "--out", tmp_path / "rd.doc")
    assert status == 2
