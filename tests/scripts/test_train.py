"""Training the content network further than its first run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from scripts.train.learned import DataConfig, TrainConfig, Trainer
from scripts.train.muon import KernelMuon

CONFIGS = Path(__file__).parents[2] / "configs" / "train"


@pytest.fixture(scope="module")
def longer() -> TrainConfig:
    config = TrainConfig.load(CONFIGS / "longer.toml")
    return replace(config, data=DataConfig(crop_px=64, batch=1))


def test_it_is_the_same_network(longer):
    assert longer.model == TrainConfig.load(CONFIGS / "base.toml").model


def test_it_starts_from_weights_and_resumes_from_its_own(longer, tmp_path):
    noise = torch.Generator().manual_seed(0)
    pictures = [torch.randint(256, (3, 80, 80), generator=noise, dtype=torch.uint8)]
    earlier = Trainer(longer, tmp_path, "cpu").average.state_dict()
    weights = {name: value + 0.01 for name, value in earlier.items()}
    torch.save(weights, tmp_path / "best.pt")
    (tmp_path / "run").mkdir()
    trainer = Trainer(longer, tmp_path / "run", "cpu")
    assert isinstance(trainer.optimizer, KernelMuon)
    trainer.start(pictures, tmp_path / "best.pt")
    for model in (trainer.model, trainer.average):
        assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    trainer.train_step(pictures, 0.0)
    trainer.save()
    loss = trainer.train_step(pictures, 0.5)

    resumed = Trainer(longer, tmp_path / "run", "cpu")
    resumed.start(pictures, tmp_path / "best.pt")
    assert resumed.step == 1
    assert resumed.train_step(pictures, 0.5) == loss
    after = zip(trainer.model.parameters(), resumed.model.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in after)
