"""Training the content network: where it starts, resumes and ends, and what it minimises."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from codec.networks.order import BLOCK_PX
from scripts.measure.complexity import costs
from scripts.train.data import center_crops
from scripts.train.learned import DataConfig, TrainConfig, Trainer
from scripts.train.muon import KernelMuon
from scripts.train.run import load_config
from scripts.train.seams import seam_ratio

PHOTO = load_config(TrainConfig, Path(__file__).parents[2] / "configs" / "train" / "photo.toml")
CONFIG = replace(PHOTO, data=DataConfig(crop_px=64, batch=1))


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3))


def flat(model: nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


@pytest.fixture(scope="module")
def pictures() -> list[Tensor]:
    from skimage import data

    return [torch.from_numpy(p).permute(2, 0, 1) for p in (data.astronaut(), data.coffee())]


def test_it_starts_as_a_transform_and_every_weight_learns(pictures, tmp_path):
    trainer = Trainer(CONFIG, tmp_path, "cpu")
    trainer.start(pictures)
    assert trainer.validate(center_crops(pictures, 128))[0] < 40
    # Layers of zeros hide what is before them: three of them, one after another.
    for _ in range(4):
        trainer.train_step(pictures)
    assert trainer.skipped == 0
    still = [name for name, p in trainer.model.named_parameters() if not p.grad.any()]
    assert not still


def test_it_resumes_where_it_was_and_ends_at_rate_zero(pictures, tmp_path):
    trainer = Trainer(CONFIG, tmp_path / "run", "cpu", copy=tmp_path / "copy")
    trainer.folder.mkdir()
    trainer.start(pictures)
    assert isinstance(trainer.optimizer, KernelMuon)
    before = flat(trainer.model)
    trainer.train_step(pictures)
    assert not torch.equal(flat(trainer.model), before)
    trainer.save()
    loss = trainer.train_step(pictures)
    resumed = Trainer(CONFIG, tmp_path / "copy", "cpu")
    resumed.start(pictures)
    assert resumed.step == 1 and resumed.train_step(pictures) == loss
    assert torch.equal(flat(resumed.model), flat(trainer.model))

    resumed.until, resumed.decay_s = 0.0, 60.0
    before = flat(resumed.model)
    resumed.train_step(pictures)
    assert torch.equal(flat(resumed.model), before)


@pytest.mark.parametrize("name", ["best.pt", "weights.safetensors"])
def test_it_starts_from_weights(name, pictures, tmp_path):
    earlier = Trainer(CONFIG, tmp_path, "cpu").average.state_dict()
    weights = {key: (value + 0.01).half() for key, value in earlier.items()}
    weights = {key: value.contiguous() for key, value in weights.items()}
    save = save_file if name.endswith("safetensors") else torch.save
    save(weights, tmp_path / name)
    trainer = Trainer(CONFIG, tmp_path / "run", "cpu")
    trainer.start(pictures, tmp_path / name)
    for model in (trainer.model, trainer.average):
        found = model.state_dict()
        assert all(torch.equal(found[key], value.float()) for key, value in weights.items())


def test_only_steps_across_the_grid_count_beside_the_squared_error(tmp_path):
    trainer = Trainer(replace(CONFIG, seam_weight=3.0), tmp_path, "cpu")
    smooth, block = torch.zeros(1, 3, 48, 64), torch.zeros(1, 3, 48, 64)
    smooth[:, :, 20:] = 2.0
    block[:, :, 16:32, 16:32] = 2.0
    seams = 4 * BLOCK_PX * 3 * 2.0**2 / block.numel()
    scale = 1 + 3.0 * 4 / BLOCK_PX
    for error, steps in ((smooth, 0.0), (block, seams)):
        expected = (error.square().mean() + 3 * steps) / scale
        torch.testing.assert_close(trainer.distortion(error)[0], expected)


def test_the_seam_ratio_finds_a_grid():
    noisy = 128 + 10 * noise(1, 3, 64, 96)
    assert seam_ratio(noisy) == pytest.approx(1, abs=0.1)
    checked = noisy.clone()
    checked[:, :, :, 16:32] += 30
    assert seam_ratio(checked) > 1.2


def test_cost_of_each_part():
    kmac = {part: round(each, 1) for part, (each, _) in costs(PHOTO.model).items()}
    assert kmac == {
        "analysis": 12.4,
        "context": 6.4,
        "synthesis": 13.4,
        "postfilter": 3.6,
        "decoder": 23.3,
    }
