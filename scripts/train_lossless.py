"""Trains the networks of the lossless mode.

    python scripts/train_lossless.py --data DIR --validation DIR --run runs/lossless --minutes 90

Starts from linear predictors that are solved from the pictures.  Otherwise as `scripts/train.py`:
minutes are those of all calls with the same --run together.
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
from PIL import Image
from torch import Tensor
from torch.nn import functional
from train_data import SUFFIXES, center_crops, random_crops

from codec.lossless import colour
from codec.lossless.likelihood import LOG2_SCALE_START, LOG_ODDS_START, bits
from codec.lossless.network import (
    CHANNELS,
    CLASSES,
    OUTPUTS,
    REACH,
    SHIFT,
    UNIT_PX,
    Lossless,
    LosslessConfig,
    edges,
)
from codec.lossless.scan import PHASES, Step, refine

STATISTICS_PICTURES = 80
KERNELS = (Image.Resampling.LANCZOS, Image.Resampling.BICUBIC, Image.Resampling.BOX)
COARSEST_PX = 4
"""Sides of the coarsest grid that training looks at."""


@dataclasses.dataclass(frozen=True)
class DataConfig:
    crop_px: int
    batch: int
    scales: list[float]


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

    @classmethod
    def load(cls, path: Path) -> TrainConfig:
        raw = tomllib.loads(path.read_text())
        try:
            return cls(
                data=DataConfig(**raw.pop("data")),
                model=LosslessConfig(**raw.pop("model")),
                optim=OptimConfig(**raw.pop("optim")),
                **raw,
            )
        except TypeError as error:
            raise SystemExit(f"train_lossless: {path}: {error}") from error


def load_shrunk(root: Path, scales: list[float], least: int) -> list[Tensor]:
    """Every picture below `root` at every scale: uint8 [3 h w] each."""
    pictures = []
    for number, path in enumerate(sorted(p for p in root.rglob("*") if p.suffix in SUFFIXES)):
        with Image.open(path) as image:
            whole = image.convert("RGB")
        for index, scale in enumerate(scales):
            size = (round(whole.width * scale), round(whole.height * scale))
            kernel = KERNELS[(number + index) % len(KERNELS)]
            if min(size) >= least:
                small = torch.from_numpy(np.array(whole.resize(size, kernel)))
                pictures.append(small.permute(2, 0, 1).contiguous())
    if not pictures:
        raise SystemExit(f"train_lossless: no pictures below {root}")
    return pictures


def to_units(pixels: Tensor) -> Tensor:
    """Pixel values [b 3 h w] of any type -> colour, in units of the networks."""
    return colour.from_rgb(pixels.float()) / UNIT_PX


def grids(x: Tensor, least: int) -> list[tuple[Tensor, list[Tensor]]]:
    """The phase A and the phases D, B and C of each grid, the finest first."""
    found = []
    while min(x.shape[2:]) >= least:
        x = x[:, :, : x.shape[2] // 2 * 2, : x.shape[3] // 2 * 2]
        parts = [x[:, :, i::2, j::2] for i, j in PHASES]
        x = x[:, :, ::2, ::2]
        found.append((x, parts))
    return found


def rate(networks: Lossless, x: Tensor) -> Tensor:
    """Bits of a batch of colours [b 3 h w] in units, but for the coarsest grid."""
    total = x.new_zeros(())
    for number, (a, parts) in enumerate(grids(x, COARSEST_PX)):
        residuals, raws = [], []

        def code(
            step: Step,
            parts: list[Tensor] = parts,
            residuals: list[Tensor] = residuals,
            raws: list[Tensor] = raws,
        ) -> Tensor:
            leave = networks.passes[step.index].heads[step.channel].leave
            with torch.autocast("cpu", enabled=False):
                raw = leave(step.features.float())
            value = parts[step.index][:, step.channel : step.channel + 1]
            weighted = (raw[:, OUTPUTS:] * step.candidates).sum(1, keepdim=True)
            mean = step.base + SHIFT * raw[:, :1] + weighted
            residuals.append(UNIT_PX * (value - mean))
            raws.append(raw)
            return value

        refine(a, networks, number, code)
        scales = LOG2_SCALE_START + torch.cat([raw[:, 1:2] for raw in raws], 1)
        odds = LOG_ODDS_START + torch.cat([raw[:, 2:3] for raw in raws], 1)
        total = total + bits(torch.cat(residuals, 1), scales, odds, networks.log2_width).sum()
    return total


@torch.no_grad()
def solve_linear(networks: Lossless, pictures: list[Tensor], rng: np.random.Generator) -> None:
    """Weighted least squares for every pass and class of grids."""
    size = (2 * REACH + 1) ** 2
    chosen = rng.choice(len(pictures), min(STATISTICS_PICTURES, len(pictures)), replace=False)
    for index in range(CLASSES):
        for number, network in enumerate(networks.passes):
            gram, cross = 0.0, 0.0
            grams, crosses = [0.0] * CHANNELS, [0.0] * CHANNELS
            samples = []
            for picture in (pictures[i] for i in chosen):
                x = to_units(picture[None])
                a, parts = grids(x, 2)[index]
                known = torch.cat([a, *parts[:number]], 1)
                seen = functional.unfold(edges(known, REACH), 2 * REACH + 1)[0]
                steps = torch.diff(edges(a[:, :1], 1)[:, :, 1:, 1:-1], dim=2).abs()
                steps = functional.avg_pool2d(steps, 3, 1, 1, count_include_pad=False)
                weight = 1 / (0.1 + steps.flatten()) ** 2
                wanted = parts[number][0].flatten(1)
                gram = gram + (seen * weight @ seen.T).double()
                cross = cross + (seen * weight @ wanted.T).double()
                samples.append((known, parts[number], weight))
            ridge = 1e-6 * gram.diagonal().mean() * torch.eye(len(gram), dtype=torch.float64)
            solution = torch.linalg.solve(gram + ridge, cross).T.float()
            network.linear.weight[index] = solution.view(CHANNELS, -1, 2 * REACH + 1, 2 * REACH + 1)
            assert solution.shape[1] % size == 0
            for channel in range(1, CHANNELS):
                for known, wanted, weight in samples:
                    base = network.linear(known, index)
                    error = base[:, :0]
                    for before in range(channel):
                        corrected = network.linear.correct(base, error, before, index)
                        error = torch.cat([error, wanted[:, before : before + 1] - corrected], 1)
                    seen = functional.unfold(error, 3, padding=1)[0]
                    left = (wanted - base)[0, channel].flatten()
                    grams[channel] = grams[channel] + (seen * weight @ seen.T).double()
                    crosses[channel] = crosses[channel] + (seen * weight @ left).double()
                ridge = 1e-6 * grams[channel].diagonal().mean()
                eye = torch.eye(len(grams[channel]), dtype=torch.float64)
                found = torch.linalg.solve(grams[channel] + ridge * eye, crosses[channel])
                network.linear.across[index, channel, :channel] = found.float().view(channel, 3, 3)


class Trainer:
    """Networks, their running average, optimiser, and everything that a resumed run needs."""

    COUNTERS = ("step", "skipped", "seconds", "best")

    def __init__(self, config: TrainConfig, run: Path) -> None:
        self.config, self.run = config, run
        torch.manual_seed(config.seed)
        self.rng = np.random.default_rng(config.seed)
        self.model = Lossless(config.model)
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=config.optim.lr)
        self.step, self.skipped, self.seconds, self.best = 0, 0, 0.0, math.inf

    def start(self, pictures: list[Tensor]) -> None:
        """From the last checkpoint, else from the statistics of the pictures."""
        path = self.run / "checkpoint.pt"
        if path.exists():
            state = torch.load(path, weights_only=False)
            self.model.load_state_dict(state["model"])
            self.average.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.rng.bit_generator.state = state["rng"]
            for name in self.COUNTERS:
                setattr(self, name, state[name])
            return
        solve_linear(self.model, pictures, self.rng)
        self.average.load_state_dict(self.model.state_dict())

    def save(self) -> None:
        state = {name: getattr(self, name) for name in self.COUNTERS}
        for name in ("model", "average", "optimizer"):
            state[name] = getattr(self, name).state_dict()
        partial = self.run / "checkpoint.partial"
        torch.save(state | {"rng": self.rng.bit_generator.state}, partial)
        partial.replace(self.run / "checkpoint.pt")

    def train_step(self, pictures: list[Tensor], progress: float) -> float:
        """One update; returns the rate in bpp.  A non-finite step is skipped and counted."""
        optim, data = self.config.optim, self.config.data
        warm = min(1.0, (self.step + 1) / optim.warmup_steps)
        for group in self.optimizer.param_groups:
            group["lr"] = optim.lr * warm * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
        x = to_units(random_crops(pictures, data.crop_px, data.batch, self.rng) + 128)
        with torch.autocast("cpu", torch.bfloat16):
            loss = rate(self.model, x.contiguous(memory_format=torch.channels_last))
        loss = loss / x[:, 0].numel()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), optim.clip_norm)
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
    def validate(self, x: Tensor) -> float:
        """Rate of the average model in bpp."""
        parts = [rate(self.average, to_units(part)).item() for part in x.split(4)]
        return sum(parts) / x[:, 0].numel()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=Path("configs/train/lossless.toml"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--validation", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--validate-every", type=float, default=5.0, metavar="MINUTES")
    args = parser.parse_args()

    args.run.mkdir(parents=True, exist_ok=True)
    config = TrainConfig.load(args.config)
    pictures = load_shrunk(args.data, config.data.scales, config.data.crop_px)
    held_out = center_crops(load_shrunk(args.validation, [1.0], 256)[:16], 256) + 128
    trainer = Trainer(config, args.run)
    trainer.start(pictures)

    def record(loss: float) -> None:
        value = trainer.validate(held_out)
        line = f"{trainer.step}\t{trainer.seconds:.0f}\t{loss:.4f}\t{value:.4f}"
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
