"""Trains the next content network, which begins as the released one grown by new branches.

    python -m scripts next.train --config configs/train/next.toml --data DIR --validation DIR \
        --run runs/next --minutes 600 --decay-minutes 25 --copy DIR

Ends after the minutes given, on the clock.  The learning rate is constant, and falls to zero over
the last --decay-minutes of them.  Started again with the same --run it carries on, for as many
minutes more; every checkpoint is also copied to the folder --copy.  The loss of the released
network on the same validation pictures is printed first.
"""

from __future__ import annotations

import dataclasses
import math
import shutil
import time
from pathlib import Path

import torch
from torch import Tensor

from codec.models import released as models
from codec.networks import learned
from codec.networks.postfilter import FilterConfig
from codec.networks.transform import BLOCK_PX
from scripts.next.grow import grow
from scripts.next.model import Model, ModelConfig
from scripts.train import learned as train
from scripts.train.data import center_crops, load_folder
from scripts.train.run import load_config, run_parser


@dataclasses.dataclass(frozen=True)
class TrainConfig(train.TrainConfig):
    """The TOML file; unknown or missing keys are errors."""

    model: ModelConfig
    seam_weight: float
    """Of the steps of the error across the grid of blocks, see `Trainer.distortion`."""

    @classmethod
    def load(cls, path: Path) -> TrainConfig:
        return load_config(
            cls,
            path,
            data=lambda table: train.DataConfig(**table),
            model=lambda table: read_model(table),
            optim=lambda table: train.OptimConfig(**table),
        )


def read_model(table: dict) -> ModelConfig:
    """Sizes as TOML and JSON give them: lists for tuples."""
    sizes = {name: tuple(v) if isinstance(v, list) else v for name, v in table.items()}
    sizes["slices"] = tuple(map(tuple, sizes["slices"]))
    filter_sizes = {name: tuple(value) for name, value in sizes["filter"].items()}
    return ModelConfig(**sizes | {"filter": FilterConfig(**filter_sizes)})


class Trainer(train.Trainer):
    """The next content network and its post-filter.

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
        super().__init__(config, run, device, build=Model)
        self.copy = copy

    def start(self, pictures: list[Tensor], weights: Path | None = None) -> None:
        """From the last checkpoint, else from weights, else from the released network."""
        if weights is not None:
            super().start(pictures, weights)
        elif not self.resume():
            for model in (self.model, self.average):
                grow(model, released())

    def learning_rate(self, progress: float) -> float:
        """Warmed up, constant, and linear to zero at the end."""
        optim = self.config.optim
        warm = min(1.0, (self.step + 1) / optim.warmup_steps)
        left = max(0.0, self.until - time.time())
        return optim.lr * warm * (left / self.decay_s if left < self.decay_s else 1.0)

    def distortion(self, error: Tensor) -> Tensor:
        """The squared error, and that of the steps between neighbours on two sides of the grid.

        Errors of two blocks have little to do with each other, and the squared error alone does not
        mind: eyes see the step between them.  The sum is scaled so that independent errors of all
        pixels count as in the squared error alone.
        """
        weight = self.config.seam_weight
        rows = error[:, :, BLOCK_PX::BLOCK_PX] - error[:, :, BLOCK_PX - 1 : -1 : BLOCK_PX]
        columns = error[..., BLOCK_PX::BLOCK_PX] - error[..., BLOCK_PX - 1 : -1 : BLOCK_PX]
        steps = rows.square().sum((1, 2, 3)) + columns.square().sum((1, 2, 3))
        total = super().distortion(error) + weight * steps / error[0].numel()
        return total / (1 + weight * 4 / BLOCK_PX)

    def save(self) -> None:
        """Writes the checkpoint, and copies the run."""
        super().save()
        if self.copy is not None:
            self.copy.mkdir(parents=True, exist_ok=True)
            for path in self.folder.iterdir():
                shutil.copy2(path, self.copy)


def released() -> learned.Model:
    """The released content network, in floats."""
    return models.load_default().search()


def main() -> None:
    parser = run_parser(__doc__.splitlines()[0], "configs/train/next.toml", every=8.0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--start", type=Path, metavar="FILE", help="best.pt of an earlier run")
    parser.add_argument("--decay-minutes", type=float, default=25.0)
    parser.add_argument("--copy", type=Path, metavar="DIR")
    args = parser.parse_args()

    args.run.mkdir(parents=True, exist_ok=True)
    held_out = center_crops(load_folder(args.validation, 16), 256).to(args.device)
    trainer = Trainer(TrainConfig.load(args.config), args.run, args.device, args.copy)
    print("released:", trainer.score(released().to(args.device), held_out)[1], flush=True)
    pictures = load_folder(args.data)
    trainer.start(pictures, args.start)
    trainer.until = time.time() + 60 * args.minutes
    trainer.decay_s = 60 * args.decay_minutes
    trainer.train(
        math.inf,
        args.validate_every,
        lambda progress: trainer.train_step(pictures, progress),
        lambda: trainer.validate(held_out),
        until=trainer.until,
    )


if __name__ == "__main__":
    main()
