"""A small network becomes a released model, as a training run does."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image

import codec
from codec import info
from codec.models import registry, released
from codec.picture.pixels import psnr_db
from scripts.release import cards, export
from scripts.train.learned import TrainConfig, Trainer
from scripts.train.run import load_config

if TYPE_CHECKING:
    from tests.scripts.conftest import RunScript

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "configs" / "train" / "photo.toml"
SMALL = {
    "[[1, 1, 2, 4], [4, 8, 12], [8, 8, 16, 16, 16], [16, 16, 32, 32, 64, 64]]": "[[4, 4], [24]]",
    "context_hidden = 128": "context_hidden = 16",
    "analysis_hidden = 128": "analysis_hidden = 16",
    "[160, 96, 48, 16]": "[32, 16, 16, 16]",
    "widths = [24]": "widths = [8]",
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of no steps, pictures, and a place for models that is not the package."""
    from skimage import data

    (tmp_path / "data").mkdir()
    pictures = [data.astronaut()[:272, 100:372], data.chelsea()[:272, 100:372]]
    for index, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / "data" / f"{index}.png")
    text = CONFIG.read_text()
    for large, small in SMALL.items():
        assert large in text
        text = text.replace(large, small)
    (tmp_path / "small.toml").write_text(text)

    run = tmp_path / "run"
    run.mkdir()
    config = load_config(TrainConfig, tmp_path / "small.toml")
    trainer = Trainer(config, run, "cpu")
    trainer.start([torch.from_numpy(picture).permute(2, 0, 1) for picture in pictures])
    torch.save(trainer.average.state_dict(), run / "best.pt")
    (run / "log.tsv").write_text("120\t3600\t11.5\t0.10@25.0 0.50@30.0\n")
    (run / "notes.txt").write_text("Noted.")

    models = tmp_path / "models"
    models.mkdir()
    (models / "models.toml").write_text('[default]\n[sha256]\n"old" = "00"\n')
    for module in (cards, released, registry):
        monkeypatch.setattr(module, "PRETRAINED", models)
        monkeypatch.setattr(module, "REGISTRY", models / "models.toml")
    monkeypatch.chdir(ROOT)
    return tmp_path


def test_a_run_becomes_a_model_that_codes(place: Path, run_script: RunScript) -> None:
    options = {"content": "learned", "config": place / "small.toml", "run": place / "run"}
    options |= {"data": place / "data", "name": "tiny"}
    parts = [part for name, value in options.items() for part in (f"--{name}", value)]
    status, out, err = run_script(export.main, *parts)
    assert not status, err
    assert "postfilter.leave" in out
    data = (place / "models" / "tiny" / "model.safetensors").read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    card = (place / "models" / "tiny" / "README.md").read_text()
    assert digest in card and "120 steps" in card and "in 1.00 hours" in card and "Noted." in card
    assert "{" not in card

    pixels = np.asarray(Image.open(place / "data" / "1.png"))[:96, :128]
    result = codec.encode(pixels, codec.EncodeOptions(codec.Lossy(quality=60), effort=1))
    assert info.probe(result.data).model == digest[:8]
    assert psnr_db(codec.decode(result.data), pixels) > 20
