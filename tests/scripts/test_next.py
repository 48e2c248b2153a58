"""The next content network: what it inherits, what its scan promises, what it costs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from codec.contract.quality import level_at
from codec.networks import context, likelihood
from codec.networks.context import at_phases
from codec.networks.likelihood import hard_rounding
from codec.networks.order import TWO_PHASES, Slot
from codec.networks.transform import BLOCK_PX
from scripts.next import likelihood as mixture
from scripts.next.context import STEP_LIMIT, STEPS_PER_OCTAVE, Predicted
from scripts.next.grow import grow
from scripts.next.likelihood import SHAPES, bits
from scripts.next.model import Model
from scripts.next.seams import seam_ratio
from scripts.next.train import TrainConfig, Trainer, released
from scripts.train.learned import DataConfig

CONFIG = TrainConfig.load(Path(__file__).parents[2] / "configs" / "train" / "next.toml")
CHANNELS = CONFIG.model.channels


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3))


def put_at_phases(tensor: Tensor, slot: Slot, part: Tensor) -> None:
    """Inverse of `at_phases`: writes a slot into a full tensor."""
    for (di, dj), values in zip(slot.phases, part.chunk(len(slot.phases)), strict=True):
        tensor[:, slot.start : slot.stop, di::2, dj::2] = values


def flat(model: nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


@pytest.fixture(scope="module")
def grown() -> Model:
    model = Model(CONFIG.model)
    grow(model, released())
    return model.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def stirred(grown) -> Model:
    """As after some training: no branch is zero."""
    model = Model(CONFIG.model)
    model.load_state_dict(grown.state_dict())
    torch.manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 4:
                parameter.add_(0.01 * torch.randn_like(parameter))
    return model.eval().requires_grad_(False)


def test_it_begins_as_the_released_network_in_two_phases(grown, monkeypatch):
    monkeypatch.setattr(context, "phases_of", lambda group: TWO_PHASES)
    monkeypatch.setattr(mixture, "SHAPE_BIAS", -60.0)  # no wide logistic
    picture, level = 50 * noise(2, 3, 64, 96), level_at(torch.tensor([20.0, 70.0]))
    old, new = released()(picture, level, hard_rounding), grown(picture, level, hard_rounding)
    torch.testing.assert_close(new.picture, old.picture, rtol=0, atol=2e-3)
    torch.testing.assert_close(new.latent_bits, old.latent_bits, rtol=1e-4, atol=0)


def test_a_decoder_walks_the_same_slots_to_the_same_values(stirred):
    latents, level = 60 * noise(2, CHANNELS, 4, 6), level_at(torch.tensor([30.0, 60.0]))
    symbols = torch.full_like(latents, torch.nan)
    slots, steps = [], []

    def encode(slot: Slot, predicted: Predicted) -> Tensor:
        chosen = ((at_phases(latents, slot) - predicted.mean) / predicted.step).round()
        assert at_phases(symbols, slot).isnan().all()
        put_at_phases(symbols, slot, chosen)
        slots.append(slot)
        steps.append(predicted.step / level.step.repeat(2, 1, 1, 1))
        return chosen * predicted.step + predicted.mean

    def decode(slot: Slot, predicted: Predicted) -> Tensor:
        assert slot == remaining.pop(0)
        return at_phases(symbols, slot) * predicted.step + predicted.mean

    values = stirred.context.scan(latents, level, encode)
    remaining = list(slots)
    assert torch.equal(stirred.context.scan(torch.zeros_like(latents), level, decode), values)
    assert not remaining and not symbols.isnan().any()
    sizes = [size for group in CONFIG.model.slices for size in group]
    assert [slot.stop - slot.start for slot in slots if slot.phases == TWO_PHASES[0]] == sizes
    assert len(slots) == 2 * len(sizes) == 36

    eighths = torch.cat([step.flatten() for step in steps]).log2() * STEPS_PER_OCTAVE
    torch.testing.assert_close(eighths, eighths.round(), rtol=0, atol=1e-4)
    assert 0 < eighths.abs().max() <= STEP_LIMIT


def test_a_slice_sees_those_before_it_and_none_after_it(stirred):
    latents, level = 60 * noise(1, CHANNELS, 4, 4), level_at(torch.tensor([40.0]))

    def means(of: Tensor) -> list[Tensor]:
        told = []

        def code(slot: Slot, predicted: Predicted) -> Tensor:
            told.append(predicted.mean)
            return at_phases(of, slot)

        stirred.context.scan(of, level, code)
        return told

    other = latents.clone()
    # The third slice of the second group in the first phase: the slots before it are known.
    slot = Slot(20, 32, TWO_PHASES[0])
    put_at_phases(other, slot, at_phases(latents, slot) + 100)
    same = [torch.equal(one, two) for one, two in zip(means(latents), means(other), strict=True)]
    first = 2 * 4 + 2
    assert all(same[: first + 1]) and not any(same[first + 1 :])


@pytest.mark.parametrize("log2_scale", [-5.0, -1.3, 2.0, 5.5])
@pytest.mark.parametrize("shape", range(SHAPES))
def test_probabilities_sum_to_one(log2_scale, shape):
    symbols = torch.arange(-20_000.0, 20_001.0) + 0.3
    column = torch.ones_like(symbols)
    total = torch.exp2(-bits(symbols, log2_scale * column, shape * column).double()).sum()
    assert total == pytest.approx(1, abs=1e-4)


def test_far_symbols_cost_what_the_wide_logistic_says():
    far, scale = torch.tensor([40.0]), torch.tensor([0.0])
    wide = likelihood.bits(far, scale + mixture.WIDE_OCTAVES)
    for shape in range(SHAPES):
        weight = torch.sigmoid(torch.tensor(shape + mixture.SHAPE_BIAS))
        cost = bits(far, scale, torch.tensor([float(shape)]))
        torch.testing.assert_close(cost, wide - weight.log2(), rtol=1e-3, atol=0)
    assert bits(torch.tensor([1e6]), scale, torch.tensor([0.0])) == pytest.approx(100, abs=0.1)


def test_training_resumes_where_it_was_and_ends_at_rate_zero(tmp_path):
    config = replace(CONFIG, data=DataConfig(crop_px=64, batch=1))
    pictures = [(127 + 40 * noise(3, 80, 80)).clamp(0, 255).byte()]
    trainer = Trainer(config, tmp_path / "run", "cpu", tmp_path / "copy")
    trainer.folder.mkdir()
    trainer.start(pictures)
    before = flat(trainer.model)
    trainer.train_step(pictures, 0.0)
    assert not torch.equal(flat(trainer.model), before)
    trainer.save()
    loss = trainer.train_step(pictures, 0.0)
    resumed = Trainer(config, tmp_path / "copy", "cpu")
    resumed.start(pictures)
    assert resumed.step == 1 and resumed.train_step(pictures, 0.0) == loss

    resumed.until, resumed.decay_s = 0.0, 60.0
    before = flat(resumed.model)
    resumed.train_step(pictures, 0.0)
    assert torch.equal(flat(resumed.model), before)


def test_it_starts_from_weights_of_half_precision(tmp_path):
    weights = {name: value.half() for name, value in Model(CONFIG.model).state_dict().items()}
    save_file(
        {name: value.contiguous() for name, value in weights.items()}, tmp_path / "w.safetensors"
    )
    trainer = Trainer(CONFIG, tmp_path / "run", "cpu")
    trainer.start([], tmp_path / "w.safetensors")
    for model in (trainer.model, trainer.average):
        found = model.state_dict()
        assert all(torch.equal(found[name], value.float()) for name, value in weights.items())


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
