"""Trains the content network (transforms, context model, post-filter) on photographs.

    python -m scripts train.learned --config configs/train/photo.toml --data DIR --validation DIR \
        --run runs/photo --minutes 600 --decay-minutes 25 --copy DIR

Ends after the minutes given, on the clock.  The learning rate is constant, and falls to zero over
the last --decay-minutes of them.  Started again with the same --run it carries on from the last
checkpoint, for as many minutes more.  Writes `checkpoint.pt` (resume), `best.pt` (averaged weights)
and `log.tsv`, and copies them to the folder --copy.  A new run begins with given weights (--start),
or as a block transform.
"""

from __future__ import annotations

import dataclasses
import math
import shutil
import time
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from codec.contract.quality import lambda_at, level_at
from codec.networks.config import ModelConfig
from codec.networks.learned import Model
from codec.networks.likelihood import Rounding, hard_rounding, noisy_rounding
from codec.networks.order import BLOCK_PX
from codec.networks.precision import autocast
from scripts.train.data import center_crops, klt, load_folder, random_crops
from scripts.train.muon import KernelMuon
from scripts.train.run import Training, Validation, load_config, run_parser

VALIDATION_QUALITIES = (15.0, 35.0, 55.0, 75.0)


@dataclasses.dataclass(frozen=True)
class DataConfig:
    crop_px: int
    batch: int


@dataclasses.dataclass(frozen=True)
class OptimConfig:
    muon: bool
    lr: float
    basis_lr_share: float
    warmup_steps: int
    clip_norm: float
    ema_decay: float


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """The TOML file; unknown or missing keys are errors."""

    seed: int
    seam_weight: float
    """Of the steps of the error across the grid of blocks, see `Trainer.distortion`."""
    data: DataConfig
    model: ModelConfig
    optim: OptimConfig


class Trainer(Training):
    """The content network and the post-filter.

    Args:
        config: of the training.
        run: its folder.
        device: where it runs.
        copy: a second folder for everything in the first one.
    """

    until = math.inf
    """The end, in seconds since the epoch."""
    decay_s = 0.0
    """Before it, over which the learning rate falls."""

    def __init__(
        self, config: TrainConfig, run: Path, device: str, copy: Path | None = None
    ) -> None:
        self.config, self.device, self.copy = config, device, copy
        self.rounding: Rounding = noisy_rounding
        torch.manual_seed(config.seed)
        model = Model(config.model).to(device, memory_format=torch.channels_last)
        # The KLT bases are already good, and their entries are small: they move slowly.
        bases = [model.analysis.basis, model.synthesis.linear.basis]
        others = [p for p in model.parameters() if all(p is not b for b in bases)]
        groups = [
            {"params": others, "share": 1.0},
            {"params": bases, "share": config.optim.basis_lr_share},
        ]
        optimizer = KernelMuon if config.optim.muon else torch.optim.Adam
        super().__init__(
            run,
            model,
            optimizer(groups, lr=config.optim.lr),
            seed=config.seed,
            clip_norm=10 * config.optim.clip_norm,
            ema_decay=config.optim.ema_decay,
        )

    def start(self, pictures: list[Tensor], weights: Path | None = None) -> None:
        """From the last checkpoint, else from weights, else from the KLT of the pictures."""
        if self.resume():
            return
        if weights is not None:
            # Other crops than those that the weights were trained on first.
            seed = self.config.seed + steps_of(weights)
            torch.manual_seed(seed)
            self.rng = np.random.default_rng(seed)
            state = load_weights(weights)
            for model in (self.model, self.average):
                model.load_state_dict(state)
            return
        components, deviation = klt(pictures[::2], BLOCK_PX, self.config.model.channels)
        for model in (self.model, self.average):
            model.start_from_klt(components.to(self.device), deviation.to(self.device))

    def learning_rate(self) -> float:
        """Warmed up, constant, and linear to zero at the end."""
        optim = self.config.optim
        warm = min(1.0, (self.step + 1) / optim.warmup_steps)
        left = max(0.0, self.until - time.time())
        return optim.lr * warm * (left / self.decay_s if left < self.decay_s else 1.0)

    def train_step(self, pictures: list[Tensor]) -> float:
        """One update; returns the loss."""
        data = self.config.data
        x = random_crops(pictures, data.crop_px, data.batch, self.rng)
        x = x.to(self.device).contiguous(memory_format=torch.channels_last)
        quality = torch.rand(len(x), device=self.device) * 100
        level, weight = level_at(quality), lambda_at(quality)
        self.set_learning_rate(self.learning_rate())
        with autocast(self.device):
            out = self.model(x, level, self.rounding)
            bpp = out.latent_bits / x[0, 0].numel()
            distortion = self.distortion(out.picture - x)
            loss = ((weight * distortion + bpp) / weight.sqrt()).mean()
        return self.descend(loss)

    def distortion(self, error: Tensor) -> Tensor:
        """The squared error [b], and that of the steps between neighbours on two sides of the grid.

        Errors of two blocks have little to do with each other, and the squared error alone does not
        mind: eyes see the step between them.  The sum is scaled so that independent errors of all
        pixels count as in the squared error alone.

        Args:
            error: in pixel values, [b 3 h w].
        """
        weight = self.config.seam_weight
        rows = error[:, :, BLOCK_PX::BLOCK_PX] - error[:, :, BLOCK_PX - 1 : -1 : BLOCK_PX]
        columns = error[..., BLOCK_PX::BLOCK_PX] - error[..., BLOCK_PX - 1 : -1 : BLOCK_PX]
        steps = rows.square().sum((1, 2, 3)) + columns.square().sum((1, 2, 3))
        total = error.square().mean((1, 2, 3)) + weight * steps / error[0].numel()
        return total / (1 + weight * 4 / BLOCK_PX)

    def save(self) -> None:
        """Writes the checkpoint, and copies the run."""
        super().save()
        if self.copy is not None:
            self.copy.mkdir(parents=True, exist_ok=True)
            for path in self.folder.iterdir():
                shutil.copy2(path, self.copy)

    def validate(self, x: Tensor) -> Validation:
        """Of the average model, see `score`."""
        return self.score(self.average, x)

    @torch.no_grad()
    def score(self, model: Model, x: Tensor) -> Validation:
        """Mean weighted loss; the log has "bpp@psnr" per quality too."""
        losses, points = [], []
        for quality in VALIDATION_QUALITIES:
            column = torch.full((len(x),), quality, device=self.device)
            out = model(x, level_at(column), hard_rounding)
            mse = (out.picture - x).clamp(-255, 255).square().mean((1, 2, 3))
            bpp = (out.latent_bits / x[0, 0].numel()).mean().item()
            psnr = (10 * torch.log10(255**2 / mse)).mean().item()
            weight = lambda_at(quality)
            losses.append((weight * mse.mean().item() + bpp) / math.sqrt(weight))
            points.append(f"{bpp:.4f}@{psnr:.3f}")
        value = sum(losses) / len(losses)
        return value, f"{value:.4f}\t{' '.join(points)}"


def load_weights(path: Path) -> dict[str, Tensor]:
    """Averaged weights of a run: its best.pt, or a safetensors file made of it."""
    if path.suffix == ".safetensors":
        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def steps_of(path: Path) -> int:
    """How many steps weights were trained for, as far as their file says so."""
    if path.suffix != ".safetensors":
        return 0
    with safe_open(path, "pt") as file:
        return int((file.metadata() or {}).get("steps", 0))


def main() -> None:
    parser = run_parser(__doc__.splitlines()[0], "configs/train/photo.toml", every=8.0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--start", type=Path, metavar="FILE", help="weights to begin with")
    parser.add_argument("--decay-minutes", type=float, default=25.0)
    parser.add_argument("--copy", type=Path, metavar="DIR")
    args = parser.parse_args()

    args.run.mkdir(parents=True, exist_ok=True)
    pictures = load_folder(args.data)
    held_out = center_crops(load_folder(args.validation, 16), 256).to(args.device)
    trainer = Trainer(load_config(TrainConfig, args.config), args.run, args.device, copy=args.copy)
    trainer.start(pictures, args.start)
    trainer.until = time.time() + 60 * args.minutes
    trainer.decay_s = 60 * args.decay_minutes
    trainer.train(math.inf, args.validate_every, pictures, held_out, until=trainer.until)


if __name__ == "__main__":
    main()
