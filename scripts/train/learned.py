"""Trains the content network and the first post-filter base.

    python -m scripts train.learned --config configs/train/base.toml --data DIR --validation DIR \
        --run runs/base --minutes 120
    python -m scripts train.learned --config configs/train/longer.toml --data DIR --validation DIR \
        --start runs/base/best.pt --run runs/longer --minutes 120

Stops after the minutes given, with the learning rate decayed to zero.  Started again with the same
--run it carries on from the last checkpoint; the minutes are those of all calls together.  Writes
`checkpoint.pt` (resume), `best.pt` (EMA weights) and `log.tsv`.  A new run begins with an earlier
run's weights (--start) or as a block transform.  What to expect of the latter on 2 cores: untrained
it needs 1.0 bpp for 30 dB on photographs, after an hour less than 0.7 bpp.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from codec.contract.quality import lambda_at, level_at
from codec.networks.config import ModelConfig, read_config
from codec.networks.learned import Model
from codec.networks.likelihood import Rounding, hard_rounding, noisy_rounding
from codec.networks.transform import BLOCK_PX
from scripts.train.data import center_crops, klt, load_folder, random_crops
from scripts.train.muon import KernelMuon
from scripts.train.run import Training, Validation, load_config, run_parser, warm_cosine

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
    context_share: float = 0.0
    """Of the budget, in which the context networks train alone, at `context_lr`."""
    context_lr: float = 0.0


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """The TOML file; unknown or missing keys are errors."""

    seed: int
    data: DataConfig
    model: ModelConfig
    optim: OptimConfig

    @classmethod
    def load(cls, path: Path) -> TrainConfig:
        return load_config(
            cls,
            path,
            data=lambda table: DataConfig(**table),
            model=partial(read_config, "learned"),
            optim=lambda table: OptimConfig(**table),
        )


class Trainer(Training):
    """The content network and the post-filter."""

    COUNTERS = (*Training.COUNTERS, "joint_since")

    def __init__(
        self,
        config: TrainConfig,
        run: Path,
        device: str,
        *,
        build: Callable[[ModelConfig], Model] = Model,
    ) -> None:
        self.config, self.device = config, device
        self.rounding: Rounding = noisy_rounding
        torch.manual_seed(config.seed)
        model = build(config.model).to(device, memory_format=torch.channels_last)
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
        self.joint_since: int | None = None

    def start(self, pictures: list[Tensor], weights: Path | None = None) -> None:
        """From the last checkpoint, else from weights, else from the KLT of the pictures."""
        if self.resume():
            return
        if weights is not None:
            state = load_weights(weights)
            for model in (self.model, self.average):
                model.load_state_dict(state)
            return
        components, deviation = klt(pictures[::2], BLOCK_PX, self.config.model.channels)
        for model in (self.model, self.average):
            model.start_from_klt(components.to(self.device), deviation.to(self.device))

    def learning_rate(self, progress: float) -> float:
        """Constant while the context model trains alone, then cosine to zero; both warmed up."""
        optim = self.config.optim
        if progress < optim.context_share:
            return optim.context_lr * min(1.0, (self.step + 1) / optim.warmup_steps)
        if self.joint_since is None:
            self.joint_since = self.step
        rest = (progress - optim.context_share) / (1 - optim.context_share)
        return optim.lr * warm_cosine(self.step - self.joint_since, optim.warmup_steps, rest)

    def train_step(self, pictures: list[Tensor], progress: float) -> float:
        """One update; returns the loss."""
        config = self.config
        x = random_crops(pictures, config.data.crop_px, config.data.batch, self.rng)
        x = x.to(self.device).contiguous(memory_format=torch.channels_last)
        quality = torch.rand(len(x), device=self.device) * 100
        level, weight = level_at(quality), lambda_at(quality)
        self.set_learning_rate(self.learning_rate(progress))
        with torch.autocast(self.device, torch.bfloat16):
            if progress < config.optim.context_share:
                with torch.no_grad():
                    y = self.model.analysis(x, level.quality)
                bpp = self.model.quantize(y, level, self.rounding)[1] / x[0, 0].numel()
                loss = (bpp / weight.sqrt()).mean()
            else:
                out = self.model(x, level, self.rounding)
                bpp = out.latent_bits / x[0, 0].numel()
                distortion = self.distortion(out.picture - x)
                loss = ((weight * distortion + bpp) / weight.sqrt()).mean()
        return self.descend(loss)

    def distortion(self, error: Tensor) -> Tensor:
        """Of each picture [b], from its errors in pixel values [b 3 h w]."""
        return error.square().mean((1, 2, 3))

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


def main() -> None:
    parser = run_parser(__doc__.splitlines()[0], "configs/train/base.toml", every=5.0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--start", type=Path, metavar="FILE", help="best.pt of an earlier run")
    args = parser.parse_args()

    args.run.mkdir(parents=True, exist_ok=True)
    pictures = load_folder(args.data)
    held_out = center_crops(load_folder(args.validation, 16), 256).to(args.device)
    trainer = Trainer(TrainConfig.load(args.config), args.run, args.device)
    trainer.start(pictures, args.start)
    trainer.train(
        args.minutes,
        args.validate_every,
        lambda progress: trainer.train_step(pictures, progress),
        lambda: trainer.validate(held_out),
    )


if __name__ == "__main__":
    main()
