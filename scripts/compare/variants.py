"""Content networks that differ from the released one in a single thing: sizes, layers or training.

`scripts/compare/architectures.py` trains them; docs/architecture.md tells what came of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from codec.networks.learned import Model, ModelConfig
from codec.networks.likelihood import Rounding, noisy_rounding, round_through
from codec.networks.transform import BLOCK_PX
from scripts.compare.variant_networks import (
    FINE_BLOCK_PX,
    Bottleneck,
    Fine,
    NoPaths,
    OnePhase,
    RandomPaths,
    Separable,
    TwoPhases,
    with_blocks,
    with_common_features,
    with_context,
)

SOFTEST, SHARPEST = 1.0, 6.0


def noise(_progress: float) -> Rounding:
    return noisy_rounding


def staircase(progress: float) -> Rounding:
    """A smooth staircase between the identity (sharpness 0) and rounding (infinity).

    Agustsson & Theis, "Universally quantized neural compression" (NeurIPS 2020), section 4.1; it
    sharpens from step to step.
    """
    sharpness = SOFTEST + (SHARPEST - SOFTEST) * progress

    def rounding(residual: Tensor) -> tuple[Tensor, Tensor]:
        middle = torch.floor(residual) + 0.5
        rise = torch.tanh(sharpness * (residual - middle))
        soft = middle + rise / (2 * math.tanh(sharpness / 2))
        return soft, soft

    return rounding


def noisy_staircase(progress: float) -> Rounding:
    """The rate of the staircase plus noise; networks see what they see with noise alone.

    As the paper of `staircase` does it.
    """
    soft = staircase(progress)

    def rounding(residual: Tensor) -> tuple[Tensor, Tensor]:
        return soft(residual)[0] + torch.rand_like(residual) - 0.5, round_through(residual)

    return rounding


@dataclass(frozen=True)
class Variant:
    """What is not as released.

    Attributes:
        part: of the architecture, a heading of the table.
        text: what it is there.
        model: entries of the configuration's [model].
        optim: entries of its [optim].
        build: makes the networks.
        rounding: at a progress of 0 to 1.
        block_px: side of the blocks of the KLT.
        seed: in place of the configuration's.
    """

    part: str
    text: str
    model: Mapping[str, Any] = field(default_factory=dict)
    optim: Mapping[str, Any] = field(default_factory=dict)
    build: Callable[[ModelConfig], Model] = Model
    rounding: Callable[[float], Rounding] = noise
    block_px: int = BLOCK_PX
    seed: int | None = None

    def sizes(self, released: ModelConfig) -> ModelConfig:
        """Those of its networks."""
        return replace(released, **self.model)


VARIANTS: dict[str, Variant] = {
    "released": Variant("as released", "seed 1"),
    "seed-2": Variant("as released", "seed 2", seed=2),
    "seed-3": Variant("as released", "seed 3", seed=3),
    "random-paths": Variant(
        "linear paths", "random start", build=RandomPaths, optim={"basis_lr_share": 1.0}
    ),
    "no-paths": Variant("linear paths", "none", build=NoPaths, optim={"basis_lr_share": 0.0}),
    "8x8": Variant(
        "blocks",
        "8x8: 80 channels, context width 64",
        {"groups": (2, 6, 16, 56), "context_hidden": 64},
        build=Fine,
        block_px=FINE_BLOCK_PX,
    ),
    "192-channels": Variant("latent channels", "192", {"groups": (5, 14, 38, 135)}),
    "448-channels": Variant("latent channels", "448", {"groups": (11, 34, 90, 313)}),
    "two-groups": Variant("context steps", "2 groups of 4 phases: 8 steps", {"groups": (32, 288)}),
    "two-phases": Variant(
        "context steps", "4 groups of 2 phases: 8 steps", build=partial(with_context, TwoPhases)
    ),
    "one-phase": Variant(
        "context steps", "4 groups of 1 phase: 4 steps", build=partial(with_context, OnePhase)
    ),
    "common-features": Variant(
        "context features", "in one unit for all channels", build=with_common_features
    ),
    "context-64": Variant("context width", "64", {"context_hidden": 64}),
    "context-192": Variant("context width", "192", {"context_hidden": 192}),
    "synthesis-half": Variant(
        "synthesis widths", "halved: 80, 48, 24, 8", {"synthesis_widths": (80, 48, 24, 8)}
    ),
    "synthesis-wide": Variant(
        "synthesis widths", "1.5 times: 240, 144, 72, 24", {"synthesis_widths": (240, 144, 72, 24)}
    ),
    "bottleneck": Variant(
        "residual blocks", "1x1, 3x3, 1x1 at half width", build=partial(with_blocks, Bottleneck)
    ),
    "separable": Variant(
        "residual blocks", "depthwise 3x3 and 1x1, twice", build=partial(with_blocks, Separable)
    ),
    "soft-rounding": Variant("rounding in training", "soft staircase", rounding=staircase),
    "noisy-soft-rounding": Variant(
        "rounding in training", "soft staircase, then noise", rounding=noisy_staircase
    ),
    "joint-from-start": Variant(
        "schedule", "context networks never alone", optim={"context_share": 0.0}
    ),
    "adam-twice": Variant(
        "optimiser",
        "Adam, twice the learning rates",
        optim={"lr": 2e-3, "context_lr": 4e-3},
    ),
    "muon": Variant("optimiser", "Muon for the kernels", optim={"muon": True}),
    "muon-half": Variant(
        "optimiser",
        "Muon, half the learning rates",
        optim={"muon": True, "lr": 5e-4, "context_lr": 1e-3},
    ),
    "muon-twice": Variant(
        "optimiser",
        "Muon, twice the learning rates",
        optim={"muon": True, "lr": 2e-3, "context_lr": 4e-3},
    ),
    "muon-four": Variant(
        "optimiser",
        "Muon, four times the learning rates",
        optim={"muon": True, "lr": 4e-3, "context_lr": 8e-3},
    ),
}
"""By name, in the order of the table."""
