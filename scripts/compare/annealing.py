"""Compares ways to refine latents: what stands for rounding, and how a search hardens.

    python -m scripts compare.annealing --images DIR --out results/0.1.0/annealing.tsv

on crops of `--images`, which are not a test set.  Each variant refines the latents once, the filter
is fitted again, and the content coded for real.  Rows have the bits saved, in percent, errors
counted at lambda; 0 where none are saved.  Fills the table of docs/effort.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import mean
from unittest.mock import patch

import torch
from torch import Tensor

from codec.contract.modes import Lossy
from codec.contract.options import EncodeOptions
from codec.encoding import lossy
from codec.encoding.adapt import adapt
from codec.encoding.contents import learned
from codec.encoding.contents.annealing import (
    FIRST,
    Annealing,
    Drawn,
    Noise,
    cost,
    draw_up,
    uniform,
)
from codec.encoding.contents.registry import encoder_of
from codec.networks.context import Predicted
from codec.picture.reading import Raster
from codec.research.arguments import experiment_parser, list_images
from codec.research.tables import column
from scripts.compare.contents import load_picture
from scripts.measure.experiment import DOCS, Experiment, markdown

WIDTH, HEIGHT = 320, 256
PICTURES = 3
QUALITIES = (20.0, 60.0)
STEPS = 25
WARMEST, COLDEST = 0.5, 0.1
"""Temperatures that the published annealing begins and ends with."""
SOFTEST, SHARPEST = 1.0, 6.0
"""Of the staircase: 0 is the identity, infinity is rounding."""


@dataclass(frozen=True)
class Published(Annealing):
    """As in the paper, but for what is set.

    There odds and draws have one temperature, rates are those of fractions, draws know nothing of
    those before them, and steps shrink from the beginning.
    """

    soft_draws: bool = False
    rate_between: bool = False
    even_draws: bool = False
    late_shrinking: bool = False

    def size(self, done: float, steps: int) -> float:
        if self.late_shrinking:
            return super().size(done, steps)
        return self.reach / math.sqrt(steps) * 0.5 * (1 + math.cos(math.pi * done))

    def noise(self, step: int, generator: torch.Generator) -> Noise:
        if self.even_draws:
            return super().noise(step, generator)
        return partial(uniform, generator=generator)

    def draw(self, residual: Tensor, done: float, steps: int, noise: Noise) -> Drawn:
        sharpness = self.sharpness(done)
        temperature = self.temperature(steps) if self.soft_draws else 1 / sharpness
        return draw_up(residual, sharpness, temperature, noise)

    def rate(self, drawn: Drawn, predicted: Predicted) -> Tensor:
        return (
            super().rate(drawn, predicted) if self.rate_between else cost(drawn.values, predicted)
        )


@dataclass(frozen=True)
class Staircase(Annealing):
    """No draws: a smooth staircase that sharpens, whose values rate and networks see.

    Agustsson & Theis, "Universally quantized neural compression" (NeurIPS 2020), section 4.1.
    """

    def draw(self, residual: Tensor, done: float, steps: int, noise: Noise) -> Drawn:
        sharpness = SOFTEST + (SHARPEST - SOFTEST) * done
        below = torch.floor(residual)
        rise = torch.tanh(sharpness * (residual - below - 0.5))
        return Drawn(below, 0.5 + rise / (2 * math.tanh(sharpness / 2)))

    def rate(self, drawn: Drawn, predicted: Predicted) -> Tensor:
        return cost(drawn.values, predicted)


@dataclass(frozen=True)
class Variant:
    """A way to refine, and for how many steps."""

    text: str
    annealing: Annealing
    steps: int = STEPS


def variants() -> Iterator[Variant]:
    odds = {"softest": 1 / WARMEST, "sharpest": 1 / COLDEST}
    stairs, paper = Staircase(FIRST.reach, **odds), Published(FIRST.reach, **odds)
    yield Variant("staircase without noise", stairs)
    yield Variant("staircase without noise", stairs, 4 * STEPS)
    yield Variant("annealing as published", paper)
    yield Variant("... draws as soft as they are", replace(paper, soft_draws=True))
    yield Variant("... rates between both values", replace(paper, rate_between=True))
    yield Variant("... draws spread evenly", replace(paper, even_draws=True))
    yield Variant("... steps shrink in the end only", replace(paper, late_shrinking=True))
    yield Variant("... all four", Annealing(FIRST.reach, **odds))
    for steps in (6, 12, 25, 50, 100):
        yield Variant("... and sharper odds: as released", FIRST, steps)


@dataclass(frozen=True)
class Row:
    """What a variant saves of a picture's bits."""

    variant: str
    steps: int
    image: str
    quality: float
    saved_percent: float = column(".3f")


def measure(path: Path, quality: float) -> Iterator[Row]:
    """All variants on the middle of a picture."""
    raster = Raster(load_picture(path, WIDTH, HEIGHT))
    job = lossy.prepare(raster, EncodeOptions(effort=4), Lossy(quality), None)
    before = next(lossy.rounds(job))
    rate = 8 * (before.content.bytes + len(before.payload))
    for variant in variants():
        tried = replace(job, effort=replace(job.effort, latent_steps=variant.steps))
        with patch.object(learned, "FIRST", variant.annealing):
            refined = encoder_of(tried).refined(before, 0)
        assert refined is not None  # there is no deadline
        cost = min(before.cost, adapt(tried, refined).cost)
        saved = 100 * (before.cost - cost) / rate
        yield Row(variant.text, variant.steps, path.stem, quality, saved)


def annealing_table(rows: list[Row]) -> str:
    """One line per variant, in their order, means over pictures and qualities."""
    savings: dict[tuple[str, int], list[float]] = {}
    for row in rows:
        savings.setdefault((row.variant, row.steps), []).append(row.saved_percent)
    cells = [[text, str(steps), f"{mean(found):.1f} %"] for (text, steps), found in savings.items()]
    return markdown(["search", "steps", "bits saved"], cells)


EXPERIMENT = Experiment(
    Row, "annealing.tsv", DOCS / "effort.md", lambda rows: {"annealing": annealing_table(rows)}
)


def main() -> None:
    args = experiment_parser(__doc__).parse_args()
    rows = EXPERIMENT.open(args.out)
    paths = list_images(args.images, args.every)
    for path in paths[:: len(paths) // PICTURES][:PICTURES]:
        for quality in QUALITIES:
            if rows.lack(image=path.stem, quality=quality):
                rows.add(measure(path, quality))
    rows.fill()


if __name__ == "__main__":
    main()
