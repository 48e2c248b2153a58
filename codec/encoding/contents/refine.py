"""Refines the latents of one image by gradient descent on rate + lambda * distortion.

The latents become free variables of the whole decoder, as in Campos et al., "Content adaptive
optimization for neural image compression" (CVPR workshops 2019).  It costs no bits and leaves the
decoder as it is.  `annealing` has what stands for rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor

from codec.contract.quality import Level
from codec.encoding.contents.annealing import Annealing, Drawn
from codec.encoding.deadline import Deadline
from codec.encoding.distortion import Distortion
from codec.networks.context import Predicted, at_phases
from codec.networks.layers import Conv
from codec.networks.learned import Model
from codec.networks.order import Slot
from codec.networks.precision import autocast, gradient_type

FAST, SLOW = 0.8, 0.95
"""Decay of Adam's means of the gradient and its square."""

T = TypeVar("T", Drawn, Predicted)
Draw = Callable[[Tensor], Drawn]
"""(value - mean) in steps -> draws in place of roundings."""


def round_kernels(model: Model) -> Model:
    """Rounds the kernels of a model, in place, as autocast would in each step; returns it."""
    for module in model.modules():
        if isinstance(module, Conv):
            kernels = module.weight.data.to(gradient_type(module.weight.device.type))
            module.weight.data = kernels.contiguous(memory_format=torch.channels_last)
            module.bias.data = module.bias.data.to(kernels.dtype)
    return model


def refine(
    y: Tensor,
    original: Tensor,
    distortion: Distortion,
    model: Model,
    level: Level,
    weight: float,
    annealing: Annealing,
    steps: int,
    deadline: Deadline,
    on_step: Callable[[float, Tensor], None],
) -> Tensor:
    """Searches better latents.

    Args:
        y: float [1 c h/16 w/16], pixel units: from the analysis, or from here.
        original: float [1 3 h w], pixel values - 128; the decoder's picture is H x W.
        distortion: what errors count.
        model: float twin of the decoder, see `round_kernels`.
        level: the quality.
        weight: lambda, bits per pixel per mean squared error.
        annealing: from soft to hard.
        steps: how many gradient steps there are, if there is time.
        deadline: which may end it before.
        on_step: called with the fraction done before a step, and the loss in bits, after it.

    Returns:
        Latents to be coded in place of `y`.
    """
    height, width = original.shape[2:]
    generator = torch.Generator(y.device)
    compare = distortion.against(original)
    latents = (y / level.step).clone().requires_grad_(True)
    optimizer = torch.optim.Adam([latents], betas=(FAST, SLOW))
    for step, done in enumerate(deadline.pace(steps)):
        optimizer.param_groups[0]["lr"] = annealing.size(done, steps)
        noise = annealing.noise(step, generator)
        draw = partial(annealing.draw, done=done, steps=steps, noise=noise)
        scan = DrawnScan(latents * level.step, draw)
        with autocast(y.device.type):
            values = model.context.scan(latents, level, scan.code)
            picture = model.reconstruct(values, level)
        error = compare(picture[:, :, :height, :width])
        loss = weight * error * height * width + scan.rate(annealing)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        on_step(done, loss.detach())
    return (latents * level.step).detach()


@dataclass(frozen=True)
class DrawnScan:
    """A scan of latents in which each is drawn; what it costs is taken of all at once, far quicker.

    Attributes:
        wanted: the latents in pixel values: [1 c h w].
        draw: in place of rounding.
        told: what the networks said of each slot, and `drawn` what came of it.
    """

    wanted: Tensor
    draw: Draw
    told: list[Predicted] = field(default_factory=list)
    drawn: list[Drawn] = field(default_factory=list)

    def code(self, slot: Slot, predicted: Predicted) -> Tensor:
        """Draws a slot: its values."""
        drawn = self.draw((at_phases(self.wanted, slot) - predicted.mean) / predicted.step)
        self.told.append(predicted)
        self.drawn.append(drawn)
        return predicted.mean + drawn.values * predicted.step

    def rate(self, annealing: Annealing) -> Tensor:
        """Bits of all draws."""
        return annealing.rate(_joined(Drawn, self.drawn), _joined(Predicted, self.told)).sum()


def _joined(kind: type[T], parts: list[T]) -> T:
    """Tensors of slots as those of all, channel after channel."""
    names = [field.name for field in fields(kind)]
    return kind(*(torch.cat([getattr(part, name) for part in parts], 1) for name in names))
