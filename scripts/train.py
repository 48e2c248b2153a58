"""Trains the content network and the first post-filter base.

    python scripts/train.py --config configs/train/base.toml --data DIR --validation DIR \
        --run runs/base --minutes 120

Stops after the minutes given, with the learning rate decayed to zero.  Started again with the same
--run it carries on from the last checkpoint; the minutes are those of all calls together.  Writes
`checkpoint.pt` (resume), `best.pt` (EMA weights) and `log.tsv`.  What to expect on 2 cores: the
untrained model needs 1.0 bpp for 30 dB on photographs, an hour brings it below 0.7 bpp.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import math
import time
import tomllib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from train_data import center_crops, klt, load_folder, random_crops

from codec.likelihood import hard_rounding, noisy_rounding
from codec.model import Model, ModelConfig
from codec.quality import lambda_at, level_at
from codec.transform import BLOCK_PX
from codec.weights import read_config

VALIDATION_QUALITIES = (15.0, 35.0, 55.0, 75.0)


@dataclasses.dataclass(frozen=True)
class DataConfig:
    crop_px: int
    batch: int


@dataclasses.dataclass(frozen=True)
class OptimConfig:
    context_share: float
    context_lr: float
    lr: float
    basis_lr_share: float
    warmup_steps: int
    clip_norm: float
    ema_decay: float


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """The TOML file; unknown or missing keys are errors."""

    seed: int
    data: DataConfig
    model: ModelConfig
    optim: OptimConfig

    @classmethod
    def load(cls, path: Path) -> TrainConfig:
        raw = tomllib.loads(path.read_text())
        try:
            return cls(
                data=DataConfig(**raw.pop("data")),
                model=read_config("learned", raw.pop("model")),
                optim=OptimConfig(**raw.pop("optim")),
                **raw,
            )
        except TypeError as error:
            raise SystemExit(f"train: {path}: {error}") from error


class Trainer:
    """Model, its running average, optimiser, and everything that a resumed run needs."""

    COUNTERS = ("step", "skipped", "seconds", "best", "joint_since")

    def __init__(self, config: TrainConfig, run: Path, device: str) -> None:
        self.config, self.run, self.device = config, run, device
        torch.manual_seed(config.seed)
        self.rng = np.random.default_rng(config.seed)
        self.model = Model(config.model).to(device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        # The KLT bases are already good, and their entries are small: they move slowly.
        bases = [self.model.analysis.basis, self.model.synthesis.linear.basis]
        others = [p for p in self.model.parameters() if all(p is not b for b in bases)]
        groups = [
            {"params": others, "share": 1.0},
            {"params": bases, "share": config.optim.basis_lr_share},
        ]
        self.optimizer = torch.optim.Adam(groups, lr=config.optim.lr)
        self.step, self.skipped, self.seconds, self.best = 0, 0, 0.0, math.inf
        self.joint_since: int | None = None

    def start(self, pictures: list[Tensor]) -> None:
        """From the last checkpoint, else from the KLT of the training pictures."""
        path = self.run / "checkpoint.pt"
        if path.exists():
            state = torch.load(path, map_location=self.device, weights_only=False)
            self.model.load_state_dict(state["model"])
            self.average.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.rng.bit_generator.state = state["rng"]
            torch.set_rng_state(state["torch_rng"].cpu())
            for name in self.COUNTERS:
                setattr(self, name, state[name])
            return
        components, deviation = klt(pictures[::2], BLOCK_PX, self.config.model.channels)
        for model in (self.model, self.average):
            model.start_from_klt(components.to(self.device), deviation.to(self.device))

    def save(self) -> None:
        state = {name: getattr(self, name) for name in self.COUNTERS}
        for name in ("model", "average", "optimizer"):
            state[name] = getattr(self, name).state_dict()
        state |= {"rng": self.rng.bit_generator.state, "torch_rng": torch.get_rng_state()}
        partial = self.run / "checkpoint.partial"
        torch.save(state, partial)
        partial.replace(self.run / "checkpoint.pt")

    def learning_rate(self, progress: float) -> float:
        """Constant while the context model trains alone, then cosine to zero; both warmed up."""
        optim = self.config.optim
        if progress < optim.context_share:
            return optim.context_lr * min(1.0, (self.step + 1) / optim.warmup_steps)
        if self.joint_since is None:
            self.joint_since = self.step
        warm = min(1.0, (self.step - self.joint_since + 1) / optim.warmup_steps)
        rest = (progress - optim.context_share) / (1 - optim.context_share)
        return warm * optim.lr * 0.5 * (1 + math.cos(math.pi * min(rest, 1.0)))

    def train_step(self, pictures: list[Tensor], progress: float) -> float:
        """One update; returns the loss.  A non-finite step is skipped and counted."""
        config = self.config
        x = random_crops(pictures, config.data.crop_px, config.data.batch, self.rng)
        x = x.to(self.device).contiguous(memory_format=torch.channels_last)
        quality = torch.rand(len(x), device=self.device) * 100
        level, weight = level_at(quality), lambda_at(quality)
        for group in self.optimizer.param_groups:
            group["lr"] = group["share"] * self.learning_rate(progress)
        with torch.autocast(self.device, torch.bfloat16):
            if progress < config.optim.context_share:
                with torch.no_grad():
                    y = self.model.analysis(x, level.quality)
                bpp = self.model.quantize(y, level, noisy_rounding)[1] / x[0, 0].numel()
                loss = (bpp / weight.sqrt()).mean()
            else:
                out = self.model(x, level, noisy_rounding)
                mse = (out.picture - x).square().mean((1, 2, 3))
                bpp = out.latent_bits / x[0, 0].numel()
                loss = ((weight * mse + bpp) / weight.sqrt()).mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 10 * config.optim.clip_norm)
        if torch.isfinite(norm):
            self.optimizer.step()
            self.follow()
        else:
            self.skipped += 1
        self.step += 1
        return loss.item()

    @torch.no_grad()
    def follow(self) -> None:
        """Moves the average towards the model; quickly at first."""
        decay = min(self.config.optim.ema_decay, (1 + self.step) / (10 + self.step))
        for mean, value in zip(self.average.parameters(), self.model.parameters(), strict=True):
            mean.lerp_(value, 1 - decay)

    @torch.no_grad()
    def validate(self, x: Tensor) -> tuple[float, str]:
        """Mean weighted loss of the average model, and "bpp@psnr" per quality."""
        losses, points = [], []
        for quality in VALIDATION_QUALITIES:
            column = torch.full((len(x),), quality, device=self.device)
            out = self.average(x, level_at(column), hard_rounding)
            mse = (out.picture - x).clamp(-255, 255).square().mean((1, 2, 3))
            bpp = (out.latent_bits / x[0, 0].numel()).mean().item()
            psnr = (10 * torch.log10(255**2 / mse)).mean().item()
            weight = lambda_at(quality)
            losses.append((weight * mse.mean().item() + bpp) / math.sqrt(weight))
            points.append(f"{bpp:.4f}@{psnr:.3f}")
        return sum(losses) / len(losses), " ".join(points)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=Path("configs/train/base.toml"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--validation", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--validate-every", type=float, default=5.0, metavar="MINUTES")
    args = parser.parse_args()

    args.run.mkdir(parents=True, exist_ok=True)
    pictures = load_folder(args.data)
    held_out = center_crops(load_folder(args.validation, 16), 256).to(args.device)
    trainer = Trainer(TrainConfig.load(args.config), args.run, args.device)
    trainer.start(pictures)

    def record(loss: float) -> None:
        value, points = trainer.validate(held_out)
        line = f"{trainer.step}\t{trainer.seconds:.0f}\t{loss:.4f}\t{value:.4f}\t{points}"
        with (args.run / "log.tsv").open("a") as log:
            log.write(line + "\n")
        print(line, flush=True)
        if value < trainer.best:
            trainer.best = value
            torch.save(trainer.average.state_dict(), args.run / "best.pt")
        trainer.save()

    budget, mean, due = args.minutes * 60, math.nan, trainer.seconds
    while trainer.seconds < budget:
        if trainer.seconds >= due:
            record(mean)
            due += args.validate_every * 60
        begin = time.monotonic()
        loss = trainer.train_step(pictures, trainer.seconds / budget)
        mean = loss if math.isnan(mean) else 0.98 * mean + 0.02 * loss
        trainer.seconds += time.monotonic() - begin
    record(mean)
    print(f"{trainer.step} steps, {trainer.skipped} skipped")


if __name__ == "__main__":
    main()
