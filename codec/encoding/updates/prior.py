"""Fits the prior to one picture: which update of it saves more bits than it costs.

The symbols are given, so the rate is a smooth function of the scales alone.  Around any scales it
is nearly a quadratic in each channel's gain and offset; what minimises quadratic + rate of the
update is found as for the post-filter (`codec.encoding.updates.fit`), and again around that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from codec.contract.quality import LOG2_BITS, IntegerLevel
from codec.decoding import prior
from codec.encoding.contents.latents import Symbols
from codec.encoding.updates.fit import FitTask, fit
from codec.encoding.updates.normal import NormalEquations
from codec.models.kinds import LearnedModel
from codec.models.subspace import INNER_BITS, step_size
from codec.networks.integers import FRACTION_BITS, PARAMETER_BITS, Scales
from codec.networks.learned import Model
from codec.networks.likelihood import (
    LOG2_SCALE_MIN,
    LOG2_SCALE_SPACING,
    SCALES,
    mixture_bits,
)

if TYPE_CHECKING:
    from codec.models.kinds import LearnedModel

ROUNDS = 3
"""How often the quadratic is taken."""


@dataclass(frozen=True, eq=False)
class PriorSamples:
    """Symbols, and what the networks said of them.

    Attributes:
        symbols: float [c n].
        log2_scale: of each, in steps, float [c n].
        said: by how much that is beyond what is usual for the channel, float [c n].
        shape: which mixture of distributions each has, float [c n].
        share: how many symbols each stands for.
    """

    symbols: Tensor
    log2_scale: Tensor
    said: Tensor
    shape: Tensor
    share: float

    @classmethod
    def of_symbols(cls, coded: Symbols, model: LearnedModel, level: IntegerLevel) -> PriorSamples:
        """Samples of what was coded with the model as it is."""
        above_least = LOG2_SCALE_SPACING * (coded.tables % SCALES).float()
        log2_deviation = model.arrays["context.prediction.log2_deviation"].astype(np.float32)
        usual = torch.from_numpy(log2_deviation)[:, None] - level.log2_step
        octaves = torch.log2(coded.steps / level.step).float()
        return cls(
            coded.values.float(),
            above_least + LOG2_SCALE_MIN,
            above_least + octaves - usual / 2**LOG2_BITS,
            (coded.tables // SCALES).float(),
            coded.share,
        )

    def at(self, change: Tensor) -> Tensor:
        """Logarithms of the scales after a change of all gains and offsets, [2c]."""
        gain, offset = change.float().chunk(2)
        return self.log2_scale + gain[:, None] * self.said + offset[:, None]

    def rate(self, change: Tensor) -> float:
        """Bits after a change [2c]."""
        return self.share * float(self.bits(self.at(change)).double().sum())

    def bits(self, log2_scale: Tensor) -> Tensor:
        """Of each symbol, if the scales were those: [c n]."""
        return mixture_bits(self.symbols, log2_scale, self.shape)


def rate_equations(samples: PriorSamples, change: Tensor) -> NormalEquations:
    """Expands the rate around a change [2c] to a quadratic in the whole of it.

    The curvature is the mean of the Hessian, without what is negative of it, and the empirical
    Fisher information: alone, the first is too small where distributions are too wide, the second
    where they are too narrow.
    """
    with torch.enable_grad():
        log2_scale = samples.at(change).requires_grad_()
        rate = samples.bits(log2_scale).sum()
        (slope,) = torch.autograd.grad(rate, log2_scale, create_graph=True)
        (hessian,) = torch.autograd.grad(slope.sum(), log2_scale)
    slope, said = slope.detach().double(), samples.said.double()
    bend = (hessian.double().clamp_min(0) + math.log(2) * slope.square()) / 2
    own, mixed, gains = ((bend * said**power).sum(1) for power in (0, 1, 2))
    curvature = torch.cat(
        [
            torch.cat([gains.diag(), mixed.diag()], 1),
            torch.cat([mixed.diag(), own.diag()], 1),
        ]
    )
    gradient = torch.cat([(slope * said).sum(1), slope.sum(1)])
    gram = samples.share / 2 * curvature
    cross = gram @ change.double() - samples.share / 2 * gradient
    # The scales of the subspace are absolute: an energy of one per position.
    positions = samples.share * samples.symbols.shape[1]
    return NormalEquations(gram.numpy(), cross[:, None].numpy(), positions, positions)


def fit_prior(coded: Symbols, model: LearnedModel, level: IntegerLevel, *, thorough: bool) -> bytes:
    """The PRIOR payload that saves most, empty if every one costs more than it saves.

    Args:
        coded: with the model as it is.
        model: what the update changes.
        level: the quality.
        thorough: whether to try several quantiser steps and spreads.
    """
    samples, subspace = PriorSamples.of_symbols(coded, model, level), prior.prior_of(model)
    inner = torch.from_numpy(subspace.inner / 2**INNER_BITS)
    change, best = torch.zeros(len(inner), dtype=torch.float64), b""
    least = samples.rate(change)
    for _ in range(ROUNDS):
        task = FitTask(rate_equations(samples, change), subspace, model.tables, 1.0)
        found = fit(task, thorough=thorough)
        if found is None:
            break
        levels = torch.from_numpy(found.payload.levels[:, 0] * step_size(found.payload.step))
        change, payload = inner @ levels, prior.pack(found.payload, model)
        total = samples.rate(change) + 8 * len(payload)
        if total >= least:
            break
        least, best = total, payload
    return best


def set_scales(decoder: Model, scales: Scales) -> None:
    """Gives the context model of a float decoder the gains and offsets of an update."""
    gain = torch.from_numpy(scales.gain).float() / 2**PARAMETER_BITS
    offset = torch.from_numpy(scales.offset).float() / 2 ** (PARAMETER_BITS + FRACTION_BITS)
    for group in decoder.context.groups:
        for part, start, stop in zip(group.slices, group.bounds, group.bounds[1:], strict=False):
            # The last layer gives the means of all channels, then the scales.
            rows = slice(stop - start, 2 * (stop - start))
            weight, bias = (parameter[rows] for parameter in part.leave.parameters())
            weight.mul_(gain[start:stop].view(-1, 1, 1, 1))
            bias.mul_(gain[start:stop]).add_(offset[start:stop])
