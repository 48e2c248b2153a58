"""Trains content networks that differ in a single thing, each for the same processor time.

    python -m scripts compare.architectures --data DIR --validation DIR \
        --out results/0.1.0/architecture.tsv

Every variant of `architectures` is trained by `scripts/train/learned.py`'s own steps from its own
start, on one thread, with the data, crops, batches and optimiser of the configuration; only the
steps' time counts.  A row is appended when a variant is done; those that the table has are left
out.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import tempfile
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from scripts.compare.variants import VARIANTS, Variant
from scripts.measure.bdrate import bd_rate, log_rate
from scripts.measure.complexity import DECODER, costs
from scripts.measure.curves import Point
from scripts.measure.tables import append_typed, read_typed
from scripts.train.data import center_crops, klt, load_folder
from scripts.train.learned import TrainConfig, Trainer

WARMUP_STEPS = 50
"""In place of the configuration's: there are a few hundred steps."""
Bases = Callable[[int], tuple[Tensor, Tensor]]
"""KLT of blocks of so many pixels: components and deviations, see `klt`."""


@dataclasses.dataclass(frozen=True)
class Row:
    """What is known of a variant after its training.

    Attributes:
        variant: name in VARIANTS.
        cpu_s: seconds of processor time that went into steps.
        steps: as many as were done in them.
        loss: mean weighted loss on the validation pictures, as `scripts/train/learned.py` logs it.
        points: bpp@psnr at its qualities.
        decoder_kmac: multiply-accumulates of the decoder per pixel, in thousands.
        decoder_parameters: how many.
    """

    variant: str
    cpu_s: float
    steps: int
    loss: float
    points: str
    decoder_kmac: float
    decoder_parameters: int

    @property
    def curve(self) -> list[Point]:
        pairs = (point.split("@") for point in self.points.split())
        return [Point(float(bpp), float(psnr)) for bpp, psnr in pairs]

    def rate_against(self, anchor: Row) -> float:
        """BD-rate in percent, of mean bpp over mean PSNR."""
        return bd_rate(anchor.curve, self.curve)

    def rate_at(self, psnr_db: float, anchor: Row) -> float:
        """Rate in percent of the anchor's, less 100; not a number where a curve does not reach."""
        logs = (float(log_rate(row.curve)(psnr_db)) for row in (self, anchor))
        return 100 * math.expm1(next(logs) - next(logs))


def read(path: Path) -> dict[str, Row]:
    """Rows by variant; none if there is no table yet."""
    return {row.variant: row for row in read_typed(path, Row)}


def prepare(config: TrainConfig, variant: Variant, folder: Path) -> Trainer:
    """A trainer of the variant's networks, not started yet."""
    optim = {"warmup_steps": WARMUP_STEPS, **variant.optim}
    changed = dataclasses.replace(
        config,
        seed=variant.seed or config.seed,
        model=variant.sizes(config.model),
        optim=dataclasses.replace(config.optim, **optim),
    )
    return Trainer(changed, folder, "cpu", build=variant.build)


def start(trainer: Trainer, variant: Variant, bases: Bases) -> None:
    components, deviation = bases(variant.block_px)
    channels = trainer.config.model.channels
    for model in (trainer.model, trainer.average):
        model.start_from_klt(components[:channels], deviation[:channels])


def step(trainer: Trainer, variant: Variant, pictures: list[Tensor], progress: float) -> float:
    """One update; returns the loss."""
    trainer.rounding = variant.rounding(progress)
    return trainer.train_step(pictures, progress)


def measure(
    name: str,
    config: TrainConfig,
    pictures: list[Tensor],
    held_out: Tensor,
    bases: Bases,
    seconds: float,
) -> Row:
    """Trains a variant."""
    variant = VARIANTS[name]
    with tempfile.TemporaryDirectory() as folder:
        trainer = prepare(config, variant, Path(folder))
        start(trainer, variant, bases)
        trainer.train(
            seconds / 60,
            math.inf,
            lambda progress: step(trainer, variant, pictures, progress),
            lambda: trainer.validate(held_out),
            time.process_time,
        )
        *_, last = (Path(folder) / "log.tsv").read_text().splitlines()
    steps, _, _, loss, points = last.split("\t")
    cost = costs(trainer.average)[DECODER]
    used, kmac = round(trainer.seconds, 1), round(cost.kmac, 2)
    return Row(name, used, int(steps), float(loss), points, kmac, cost.parameters)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("variants", nargs="*", metavar="VARIANT", help="default: all")
    parser.add_argument("--config", type=Path, default=Path("configs/train/base.toml"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--validation", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=200, help="of each; default: 200")
    parser.add_argument("--out", type=Path, required=True, metavar="TSV")
    args = parser.parse_args()
    names = args.variants or list(VARIANTS)
    if unknown := set(names) - set(VARIANTS):
        parser.error(f"no such variant: {', '.join(sorted(unknown))}")
    torch.set_num_threads(1)
    config = TrainConfig.load(args.config)
    pictures = load_folder(args.data)
    held_out = center_crops(load_folder(args.validation, 16), 256)

    @lru_cache
    def bases(block_px: int) -> tuple[Tensor, Tensor]:
        return klt(pictures[::2], block_px, 3 * block_px**2)

    for name in names:
        if name not in read(args.out):
            print(name, flush=True)
            row = measure(name, config, pictures, held_out, bases, args.seconds)
            append_typed(args.out, row, {})


if __name__ == "__main__":
    main()
