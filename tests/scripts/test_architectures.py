"""The content networks that are compared: all of them work, and their table keeps its rows."""

from __future__ import annotations

import dataclasses
import math
from functools import cache
from pathlib import Path

import pytest
import torch
from skimage import data
from torch import Tensor

from scripts.compare import architectures, report_architectures
from scripts.compare.architectures import Row, prepare, read, start
from scripts.compare.variants import VARIANTS
from scripts.measure.complexity import DECODER, costs
from scripts.measure.tables import append_typed
from scripts.train.data import center_crops, klt
from scripts.train.learned import DataConfig, TrainConfig

ROW = Row("released", 200.1, 321, 16.25, "0.2000@27.000 0.9000@31.500", 19.08, 2_370_192)
CONFIG = TrainConfig.load(Path(__file__).parents[2] / "configs" / "train" / "base.toml")
NO_START = {"random-paths", "no-paths"}
"""Variants that are no transform before they are trained."""


@pytest.fixture(scope="module")
def pictures() -> list[Tensor]:
    return [torch.from_numpy(p).permute(2, 0, 1) for p in (data.astronaut(), data.coffee())]


@pytest.fixture(scope="module")
def bases(pictures) -> architectures.Bases:
    return cache(lambda block_px: klt(pictures, block_px, 3 * block_px**2))


@pytest.fixture(scope="module")
def small() -> TrainConfig:
    return dataclasses.replace(CONFIG, data=DataConfig(crop_px=64, batch=1))


@pytest.mark.parametrize("name", VARIANTS)
def test_it_starts_as_a_transform_and_every_weight_learns(name, small, pictures, bases, tmp_path):
    variant = VARIANTS[name]
    trainer = prepare(small, variant, tmp_path)
    start(trainer, variant, bases)
    loss, _ = trainer.validate(center_crops(pictures, 128))
    assert (loss > 100) == (name in NO_START)
    for _ in range(3):  # layers of zeros hide what is before them: two of them, one after another
        loss = architectures.step(trainer, variant, pictures, 0.5)
    assert math.isfinite(loss) and trainer.skipped == 0
    still = [n for n, p in trainer.model.named_parameters() if p.numel() and not p.grad.any()]
    assert not still


def test_variants_are_what_they_say():
    """Whatever is said to be cheaper or dearer than the released network is so."""

    def kmac(name: str) -> float:
        variant = VARIANTS[name]
        return costs(variant.build(variant.sizes(CONFIG.model)))[DECODER].kmac

    released = kmac("released")
    assert kmac("two-phases") == kmac("common-features") == released
    for name in ("context-64", "one-phase", "two-groups", "bottleneck", "synthesis-half"):
        assert kmac(name) < 0.9 * released
    assert kmac("context-192") > 1.2 * released


def test_rows_survive_the_table(tmp_path):
    path = tmp_path / "table.tsv"
    assert read(path) == {}
    rows = [ROW, dataclasses.replace(ROW, variant="8x8", loss=17.5, steps=300)]
    for row in rows:
        append_typed(path, row, {})
    assert list(read(path).values()) == rows


def test_other_tables_are_refused(tmp_path):
    path = tmp_path / "table.tsv"
    path.write_text("variant\tseconds\nreleased\t3\n")
    with pytest.raises(SystemExit, match="other columns"):
        read(path)


def test_the_rate_is_against_the_released_network(monkeypatch):
    """A tenth more bits at equal quality is a tenth; another range of qualities can't be told."""
    names = ("released", "seed-2", "8x8", "no-paths")
    monkeypatch.setattr(report_architectures, "VARIANTS", {name: VARIANTS[name] for name in names})
    row = dataclasses.replace(ROW, points="0.2000@26.000 0.9000@31.500")
    dearer = dataclasses.replace(row, variant="8x8", points="0.2200@26.000 0.9900@31.500")
    worse = dataclasses.replace(row, variant="no-paths", points="0.2200@17.000 0.9900@26.500")
    rows = {row.variant: row for row in (worse, row, dearer)}
    _, _, *lines = report_architectures.variants_table(rows, CONFIG.model).splitlines()
    assert [line[2:-2].split(" | ")[4:] for line in lines] == [
        ["321", "16.25", "+0.0 %", "+0.0 %", "–"],
        ["not yet", "", "", "", ""],
        ["321", "16.25", "+10.0 %", "+10.0 %", "–"],
        ["321", "16.25", "–", "–", "–"],
    ]


def test_measured_variants_are_not_measured_again(monkeypatch, run_script, images, tmp_path):
    measured = []

    def measure(name: str, *_: object) -> Row:
        measured.append(name)
        return dataclasses.replace(ROW, variant=name)

    monkeypatch.setattr(architectures, "measure", measure)
    monkeypatch.setattr(architectures, "load_folder", lambda *_: [torch.zeros(3, 256, 256)])
    out = tmp_path / "table.tsv"
    append_typed(out, dataclasses.replace(ROW, variant="8x8"), {})
    options = ("--data", images, "--validation", images, "--out", out)
    run_script(architectures.main, *options, "released", "8x8")
    run_script(architectures.main, *options, "released", "two-phases")
    assert measured == ["released", "two-phases"]
    status, _, error = run_script(architectures.main, *options, "none")
    assert status == 2 and "no such variant: none" in error
