"""Tests of scripts/train/plot.py."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from scripts.train import plot

if TYPE_CHECKING:
    from tests.scripts.conftest import RunScript

LOGS = {
    "base": "0\t0\tnan\t16.5\t0.5@27.4\n100\t1800\t8.0\t12.5\t0.4@27.5 1.0@30.9\n",
    "longer": "0\t0\tnan\t12.5\t0.4@27.5\n50\t900\t7.5\t11.5\t0.3@27.6\n",
}


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    for name, log in LOGS.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "log.tsv").write_text(log)
    return [tmp_path / name for name in LOGS]


def test_steps_and_hours_go_on_from_run_to_run(
    run_script: RunScript, runs: list[Path], tmp_path: Path
) -> None:
    run_script(plot.main, *runs, "--out", tmp_path)
    assert (tmp_path / "training.tsv").read_text().splitlines() == [
        "run\tsteps\thours\tloss\tpoints",
        "base\t0\t0.000\t16.5000\t0.5@27.4",
        "base\t100\t0.500\t12.5000\t0.4@27.5 1.0@30.9",
        "longer\t100\t0.500\t12.5000\t0.4@27.5",
        "longer\t150\t0.750\t11.5000\t0.3@27.6",
    ]
    with Image.open(tmp_path / "training.png") as picture:
        assert picture.format == "PNG"


def test_a_line_for_each_run_without_the_untrained_start(runs: list[Path]) -> None:
    axes = plot.draw(plot.joined(runs)).axes[0]
    assert [(line.get_label(), list(line.get_ydata())) for line in axes.lines] == [
        ("base", [12.5]),
        ("longer", [12.5, 11.5]),
    ]
