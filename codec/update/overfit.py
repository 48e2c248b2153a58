"""Overfits the post-filter to one image: gradient descent on distortion + lambda * bits.

The variables are the update's levels themselves: rounded straight through in the network (so the
loss sees the quantised filter) and penalised by what a level costs in the update coder.  That is
the true rate term that replaces the surrogate losses of Lam et al., "Compressing weight-updates for
image artifacts removal neural networks" (CVPR workshops 2019); the trick of rounding forward and
penalising bits is Oktay et al., "Scalable model compression by entropy penalized
reparameterization" (ICLR 2020).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import functional_call

from bitstream import UpdatePayload
from codec.integer_model import PARAMETER_BITS
from codec.likelihood import round_through
from codec.postfilter import PostFilter
from codec.transform import PIXELS_PER_UNIT
from codec.update.kernels import adapted_layers

PATCH_PX = 128
PATCHES = 6
LEARNING_RATE = 0.2
"""Largest move per step, in levels."""
NONZERO_BITS = 7.0
"""What a level of +-1 costs in the update coder at the usual densities (position and sign) ..."""
OCTAVE_BITS = 1.5
"""... and what each doubling of the magnitude adds."""


@dataclass(frozen=True)
class OverfitTask:
    """One image before its post-filter.

    Attributes:
        unfiltered: float [1 3 H W], picture units, on the decoder's padded size.
        original: float [1 3 h w], pixel values - 128.
        quality: float [1 1 1 1] in [-1, 1].
        weight: lambda, in bits per pixel per mean squared error.
        step_shifts: of kernels and biases, see `codec.update`.
        steps: gradient steps.
    """

    unfiltered: Tensor
    original: Tensor
    quality: Tensor
    weight: float
    step_shifts: tuple[int, int]
    steps: int


def level_bits(levels: Tensor) -> Tensor:
    """Estimated cost of real-valued levels, summed: linear up to 1, logarithmic beyond."""
    magnitude = levels.abs()
    beyond = torch.log2(magnitude.clamp(min=1))
    return (NONZERO_BITS * magnitude.clamp(max=1) + OCTAVE_BITS * beyond).sum()


def overfit(
    postfilter: PostFilter, task: OverfitTask, on_progress: Callable[[float], None]
) -> UpdatePayload:
    """Searches the update of a float post-filter for one image.

    Args:
        postfilter: float twin of the base filter; not changed.
        task: the image and what to aim for.
        on_progress: called with the fraction done.
    """
    device = task.unfiltered.device
    rng = np.random.default_rng(0)
    base = {name: value.detach() for name, value in postfilter.named_parameters()}
    names = [f"{n}.{kind}" for n, _ in adapted_layers(postfilter) for kind in ("weight", "bias")]
    sizes = [2.0 ** (task.step_shifts[index % 2] - PARAMETER_BITS) for index in range(len(names))]
    levels = [torch.zeros_like(base[name], requires_grad=True) for name in names]
    optimizer = torch.optim.Adam(levels, lr=LEARNING_RATE, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, task.steps)
    pixels = task.original[0, 0].numel()

    for step in range(task.steps):
        x, target = _patches(task, rng)
        changed = {
            name: base[name] + size * round_through(value)
            for name, size, value in zip(names, sizes, levels, strict=True)
        }
        with torch.autocast(device.type, torch.bfloat16):
            filtered = functional_call(postfilter, base | changed, (x, task.quality))
        filtered = filtered[:, :, : target.shape[2], : target.shape[3]].float()
        error = (filtered * PIXELS_PER_UNIT - target).square().mean()
        rate = sum(level_bits(value) for value in levels)
        optimizer.zero_grad(set_to_none=True)
        (task.weight * error * pixels + rate).backward()
        optimizer.step()
        schedule.step()
        on_progress((step + 1) / task.steps)

    return UpdatePayload(task.step_shifts, tuple(_matrix(value) for value in levels))


def _matrix(levels: Tensor) -> NDArray[np.int32]:
    """Rounded levels as the update codes them: a row per output channel, one row for a bias."""
    rows = len(levels) if levels.ndim > 1 else 1
    return levels.detach().round().int().reshape(rows, -1).numpy(force=True)


def _patches(task: OverfitTask, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Random patches of input and target (even offsets), or the whole of a small image."""
    height, width = task.original.shape[2:]
    if min(height, width) < PATCH_PX or height * width <= PATCHES * PATCH_PX**2:
        return task.unfiltered, task.original
    inputs, targets = [], []
    for _ in range(PATCHES):
        top = 2 * rng.integers((height - PATCH_PX) // 2 + 1)
        left = 2 * rng.integers((width - PATCH_PX) // 2 + 1)
        window = (..., slice(top, top + PATCH_PX), slice(left, left + PATCH_PX))
        inputs.append(task.unfiltered[window])
        targets.append(task.original[window])
    return torch.cat(inputs), torch.cat(targets)
