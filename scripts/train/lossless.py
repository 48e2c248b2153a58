"""Trains the networks of the lossless mode.

    python -m scripts train.lossless --data DIR --validation DIR --run runs/lossless --minutes 90

Starts from linear predictors that are solved from the pictures.  Otherwise as
`scripts/train/learned.py`: minutes are those of all calls with the same --run together.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch
from torch import Tensor

from codec.networks.config import LosslessConfig
from codec.networks.lossless.network import LosslessNetworks
from codec.networks.precision import autocast
from scripts.train.data import center_crops, load_shrunk, random_crops
from scripts.train.lossless_rate import rate, solve_linear, to_units
from scripts.train.run import Training, Validation, load_config, run_parser


@dataclasses.dataclass(frozen=True)
class DataConfig:
    crop_px: int
    batch: int
    scales: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class OptimConfig:
    lr: float
    warmup_steps: int
    clip_norm: float
    ema_decay: float


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """The TOML file; unknown or missing keys are errors."""

    seed: int
    data: DataConfig
    model: LosslessConfig
    optim: OptimConfig


class Trainer(Training):
    """The lossless networks."""

    def __init__(self, config: TrainConfig, run: Path) -> None:
        self.config = config
        torch.manual_seed(config.seed)
        model = LosslessNetworks(config.model)
        super().__init__(
            run,
            model,
            torch.optim.Adam(model.parameters(), lr=config.optim.lr),
            seed=config.seed,
            clip_norm=config.optim.clip_norm,
            ema_decay=config.optim.ema_decay,
        )

    def start(self, pictures: list[Tensor]) -> None:
        """From the last checkpoint, else from the statistics of the pictures."""
        if not self.resume():
            solve_linear(self.model, pictures, self.rng)
            self.average.load_state_dict(self.model.state_dict())

    def train_step(self, pictures: list[Tensor]) -> float:
        """One update; returns the rate in bpp."""
        optim, data = self.config.optim, self.config.data
        self.set_learning_rate(optim.lr * self.warm_cosine(optim.warmup_steps))
        x = to_units(random_crops(pictures, data.crop_px, data.batch, self.rng) + 128)
        with autocast("cpu"):
            loss = rate(self.model, x.contiguous(memory_format=torch.channels_last))
        return self.descend(loss / x[:, 0].numel())

    @torch.no_grad()
    def validate(self, x: Tensor) -> Validation:
        """Rate of the average model in bpp."""
        parts = [rate(self.average, to_units(part)).item() for part in x.split(4)]
        bpp = sum(parts) / x[:, 0].numel()
        return bpp, f"{bpp:.4f}"


def main() -> None:
    args = run_parser(
        __doc__.splitlines()[0], "configs/train/lossless.toml", every=5.0
    ).parse_args()
    args.run.mkdir(parents=True, exist_ok=True)
    config = load_config(TrainConfig, args.config)
    pictures = load_shrunk(args.data, config.data.scales, config.data.crop_px)
    held_out = center_crops(load_shrunk(args.validation, [1.0], 256)[:16], 256) + 128
    trainer = Trainer(config, args.run)
    trainer.start(pictures)
    trainer.train(args.minutes, args.validate_every, pictures, held_out)


if __name__ == "__main__":
    main()
