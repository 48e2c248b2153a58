"""Trains a whole post-filter to be small: ratio loss, bounded mapping, additive noise as quantiser.

    python -m scripts compare.compressible --data DIR --validation DIR --seconds 60 \
        --out results/0.1.0/compressible-training.tsv

After Aytekin, Cricri & Aksu, "Compressibility loss for neural network weights" (arXiv 1905.01044)
and US 2022/0164652 A1.  A weight is w = s tanh(v) with a scale s per tensor.  From a seed network
(the released JPEG post-filter) the mapping is adapted to the seed: s is 1.31 times its largest
weight, so that |v| <= 1 and no weight starts saturated.  From random values the initialisation is
adapted to the mapping: v has the deviation of He's rule over s, clipped to +-1.  Uniform noise of
half a step stands for rounding; the step is a share of the root mean square of each tensor of the
seed, the same for every variant, and so are the limits +-s.

For each variant: the entropy of all levels in bytes (ideal, per tensor), the share of zeros in
percent, and the geometric mean over validation pictures of the mean squared error, in pixels.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call

from codec.models.released import load_default
from codec.networks.layers import NEGATIVE_SLOPE
from codec.networks.postfilter import PostFilter
from codec.networks.units import PIXELS_PER_UNIT
from codec.research.arguments import experiment_parser
from codec.research.tables import column
from scripts.measure.experiment import DOCS, Experiment, markdown
from scripts.train.data import load_folder
from scripts.train.meta_losses import CodedPicture, code_pictures

PICTURES = 100
CROP_PX = 160
LEARNING_RATE = 1e-3
RANGE = 1.31
"""1 / tanh(1): the seed's largest weight is mapped from v = 1."""
STEPS = (0.25, 0.5, 1.0, 2.0)
"""Quantiser steps in units of a tensor's root mean square."""
RATIO_WEIGHT = 0.003
"""Of ||w||_1 / ||w||_2 per tensor over its largest value sqrt(n), relative to the error."""


@dataclass(frozen=True)
class Row:
    """A training, and the network that it ends with, quantised."""

    training: str
    step: float = column("g")
    bytes: float = column(".0f")
    zeros_percent: float = column(".1f")
    squared_error: float = column(".3f")


class Mapped:
    """The kernels of a filter as s tanh(v); biases and quality vectors stay as they are."""

    def __init__(self, seed: PostFilter, step: float, *, random: bool) -> None:
        self.seed, self.step = seed, step
        self.scales, self.steps, self.values, self.rest = {}, {}, {}, {}
        for name, weight in seed.named_parameters():
            if weight.ndim != 4:
                self.rest[name] = weight.detach().clone().requires_grad_()
                continue
            scale = RANGE * float(weight.abs().max())
            self.scales[name] = scale
            self.steps[name] = step * float(weight.square().mean().sqrt())
            if random:
                deviation = (2 / (1 + NEGATIVE_SLOPE**2) / weight[0].numel()) ** 0.5
                start = (torch.randn_like(weight) * deviation / scale).clamp(-1, 1)
            else:
                start = torch.atanh(weight.detach() / scale)
            self.values[name] = start.requires_grad_()

    def weights(self) -> dict[str, Tensor]:
        return {name: self.scales[name] * torch.tanh(v) for name, v in self.values.items()}

    def run(self, x: Tensor, quality: Tensor, kernels: dict[str, Tensor]) -> Tensor:
        return functional_call(self.seed, self.rest | kernels, (x, quality))

    def noisy(self) -> dict[str, Tensor]:
        return {
            name: w + self.steps[name] * (torch.rand_like(w) - 0.5)
            for name, w in self.weights().items()
        }

    def levels(self) -> dict[str, Tensor]:
        return {name: (w / self.steps[name]).round() for name, w in self.weights().items()}

    def ratio(self) -> Tensor:
        """Sum of ||w||_1 / ||w||_2 / sqrt(n): 1 per tensor of equal magnitudes."""
        return sum(w.abs().sum() / w.norm() / w.numel() ** 0.5 for w in self.weights().values())


Crop = tuple[Tensor, Tensor, Tensor]
"""Coded and original crop in picture units, and quality."""


def crops_of(pictures: list[CodedPicture]) -> list[Crop]:
    """The middle CROP_PX of each picture."""
    crops = []
    for picture in pictures:
        top, left = ((side - CROP_PX) // 32 * 16 for side in picture.original.shape[2:])
        place = (..., slice(top, top + CROP_PX), slice(left, left + CROP_PX))
        crops.append((picture.x[place], picture.original[place], picture.quality))
    return crops


def train(mapped: Mapped, crops: list[Crop], seconds: float, ratio_weight: float) -> None:
    """Minimises log error + ratio for so much processor time."""
    optimizer = torch.optim.Adam([*mapped.values.values(), *mapped.rest.values()], LEARNING_RATE)
    rng, start = np.random.default_rng(2), time.process_time()
    while (spent := time.process_time() - start) < seconds:
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * (1 - spent / seconds)
        optimizer.zero_grad(set_to_none=True)
        x, target, quality = crops[rng.integers(len(crops))]
        error = (mapped.run(x, quality, mapped.noisy()) - target).square().mean()
        (error.log() + ratio_weight * mapped.ratio()).backward()
        optimizer.step()


@torch.no_grad()
def measure(name: str, mapped: Mapped, crops: list[Crop]) -> Row:
    """What the quantised network weighs and loses."""
    levels = mapped.levels()
    bits, zeros, count = 0.0, 0, 0
    for tensor in levels.values():
        occurrences = torch.unique(tensor, return_counts=True)[1].double()
        bits -= float((occurrences * torch.log2(occurrences / tensor.numel())).sum())
        zeros += int((tensor == 0).sum())
        count += tensor.numel()
    kernels = {key: tensor * mapped.steps[key] for key, tensor in levels.items()}
    errors = [
        float((mapped.run(x, quality, kernels) - target).square().mean()) * PIXELS_PER_UNIT**2
        for x, target, quality in crops
    ]
    error = float(np.exp(np.mean(np.log(errors))))
    return Row(name, mapped.step, bits / 8, 100 * zeros / count, error)


def compressible_table(rows: list[Row]) -> str:
    """One line per training."""
    cells = [
        [
            row.training,
            f"{row.step:g}",
            f"{row.bytes:.0f}",
            f"{row.zeros_percent:.0f} %",
            f"{row.squared_error:.3f}",
        ]
        for row in rows
    ]
    return markdown(["training", "step (rms)", "bytes", "zeros", "squared error"], cells)


EXPERIMENT = Experiment(
    Row,
    "compressible-training.tsv",
    DOCS / "weight-update.md",
    lambda rows: {"compressible-training": compressible_table(rows)},
)


def main() -> None:
    parser = experiment_parser(__doc__, images=False)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--validation", type=Path, required=True, metavar="DIR")
    parser.add_argument("--seconds", type=float, default=60)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = load_default("jpeg")
    seed = model.search().postfilter
    found = load_folder(args.data)
    training = crops_of(code_pictures(model, found[:: max(1, len(found) // PICTURES)], seed=1))
    held_out = crops_of(code_pictures(model, load_folder(args.validation), seed=2))
    rows = EXPERIMENT.open(args.out)
    for step in STEPS:
        if rows.lack(training="seed, rounded", step=step):
            rows.add([measure("seed, rounded", Mapped(seed, step, random=False), held_out)])
    for name, random, weight in (
        ("seed, noise", False, 0.0),
        ("seed, noise and ratio", False, RATIO_WEIGHT),
        ("random, noise and ratio", True, RATIO_WEIGHT),
    ):
        if rows.lack(training=name):
            mapped = Mapped(seed, 1.0, random=random)
            train(mapped, training, args.seconds, weight)
            rows.add([measure(name, mapped, held_out)])
    rows.fill()


if __name__ == "__main__":
    main()
