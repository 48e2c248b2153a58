"""Overfits the post-filter to one image: gradient descent on lambda * distortion + penalty.

The variables are real-valued levels of any parameterisation (`codec.decoding.parameters`); what
they cost is a matter of the penalty (`codec.encoding.updates.penalties`).  Steps follow from the
curvature, and so do the learning rates: a level of any tensor then matters about equally.  The
first phase does not round, since sparse levels would have no way to leave zero; a second one tunes,
rounded straight through, the levels that survived.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call

from bitstream.update.levels import STEP_SHIFT_BITS, TensorLayout, UpdatePayload
from codec.decoding.parameters import Parameters
from codec.encoding.distortion import Distortion
from codec.encoding.updates import penalties
from codec.encoding.updates.relaxed import relaxed
from codec.networks.postfilter import PostFilter
from codec.networks.units import PIXELS_PER_UNIT, ideal_step, unit_weight

PATCH_PX = 96
PATCHES = 4
STEPS = 80
RETUNE_STEPS = 20
LEARNING_RATE, LARGEST_RATE = 5.0, 0.3
"""Move per step in levels: the first over the square root of how many move, since moves in the
same direction add up, and at most the second."""
DEAD_ZONE = 0.6
"""Levels below this become zero where the network did not see them rounded."""
PROBES = 4
"""Random directions that the curvature is estimated from."""
COARSER = 1.0
"""Octaves by which the step exceeds that of a dense update: a sparse one saves positions too."""

Batch = tuple[Tensor, Tensor, Distortion]


@dataclass(frozen=True)
class OverfitTask:
    """One image before its post-filter.

    Attributes:
        unfiltered: float [1 3 H W], picture units, on the decoder's padded size.
        original: float [1 3 h w], pixel values - 128.
        distortion: what errors count.
        quality: float [1 1 1 1] in [-1, 1].
        weight: lambda, in bits per squared error of a position, mean over channels, in pixels.
        biases_only: whether levels of matrices with several rows stay zero.
        loss: name of the penalty.
    """

    unfiltered: Tensor
    original: Tensor
    distortion: Distortion
    quality: Tensor
    weight: float
    biases_only: bool
    loss: str


def overfit(
    postfilter: PostFilter,
    parameters: Parameters,
    task: OverfitTask,
    on_progress: Callable[[float], None],
) -> UpdatePayload:
    """Searches the update of a float post-filter for one image.

    Args:
        postfilter: float twin of the base filter; not changed.
        parameters: what is coded.
        task: the image and what to aim for.
        on_progress: called with the fraction done.
    """
    layout = parameters.layout(postfilter)
    descent = _Descent(postfilter, parameters, layout, task)
    shifts = descent.step_shifts()
    penalty = penalties.make(task.loss, [t.group for t in layout], task.unfiltered.device)
    device = task.unfiltered.device
    shapes = [(t.rows, t.columns) for t in layout]
    allowed = [float(t.rows == 1 or not task.biases_only) for t in layout]
    masks = [torch.full(s, a, device=device) for s, a in zip(shapes, allowed, strict=True)]
    levels = [torch.zeros(shape, device=device, requires_grad=True) for shape in shapes]
    total = STEPS + RETUNE_STEPS
    descent.run(levels, shifts, penalty, masks, STEPS, lambda n: on_progress(n / total))
    shifts, levels = _quantize(levels, layout, shifts, penalty)
    masks = [(level != 0).float() for level in levels]
    levels = [level.requires_grad_() for level in levels]
    rate = penalties.Rate(rounded=True)
    descent.run(
        levels, shifts, rate, masks, RETUNE_STEPS, lambda n: on_progress((STEPS + n) / total)
    )
    return UpdatePayload(
        shifts, tuple(level.detach().round().int().numpy(force=True) for level in levels)
    )


class _Descent:
    """Gradient steps on random patches of one image."""

    def __init__(
        self,
        postfilter: PostFilter,
        parameters: Parameters,
        layout: Sequence[TensorLayout],
        task: OverfitTask,
    ) -> None:
        self._postfilter, self._parameters = postfilter, parameters
        self._layout, self._task = layout, task
        self._rng = np.random.default_rng(0)
        self._generator = torch.Generator(task.unfiltered.device).manual_seed(0)
        self._base = {name: value.detach() for name, value in postfilter.named_parameters()}

    def step_shifts(self) -> tuple[int, ...]:
        """The best steps for the rate, from the curvature of the squared error.

        A random sign for every output pixel makes the squared gradient an unbiased estimate of the
        diagonal of the Gauss-Newton matrix (Hutchinson, Comm. Stat. 19(2), 1990).
        """
        x, target, distortion = self._patches()
        blank = [
            torch.zeros(t.rows, t.columns, device=x.device, requires_grad=True)
            for t in self._layout
        ]
        filtered = self._filter(blank, x)[:, :, : target.shape[2], : target.shape[3]]
        power = [torch.zeros_like(tensor) for tensor in blank]
        for _ in range(PROBES):
            bits = torch.randint(
                2, filtered.shape, generator=self._generator, device=filtered.device
            )
            signs = distortion.scaled(bits.float() * 2 - 1)
            grads = torch.autograd.grad((filtered * signs).sum(), blank, retain_graph=True)
            for total, grad in zip(power, grads, strict=True):
                total += grad.square() / PROBES
        scale = unit_weight(self._task.weight) * self._pixels / target[:, 0].numel()
        shifts = []
        for group, unit_bits in enumerate(self._parameters.unit_bits):
            members = [p for p, t in zip(power, self._layout, strict=True) if t.group == group]
            mean = float(torch.cat([p.flatten() for p in members]).mean())
            # An entropy-coded uniform quantiser: d(error)/d(bits) = 2 ln2 step^2 / 12.
            ideal = math.log2(ideal_step(scale * mean))
            shifts.append(_clamped(ideal + COARSER + unit_bits))
        return tuple(shifts)

    def run(
        self,
        levels: list[Tensor],
        shifts: tuple[int, ...],
        penalty: penalties.Penalty,
        masks: list[Tensor],
        steps: int,
        on_step: Callable[[int], None],
    ) -> None:
        """Moves the levels that the masks allow."""
        moving = sum(int(mask.count_nonzero()) for mask in masks)
        rate = min(LARGEST_RATE, LEARNING_RATE / max(moving, 1) ** 0.5)
        groups = [{"params": levels}]
        if penalty.variables():
            groups.append({"params": penalty.variables()})
        optimizer = torch.optim.Adam(groups, lr=rate, betas=(0.9, 0.99))
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        sizes = [
            2.0 ** (shifts[t.group] - self._parameters.unit_bits[t.group]) for t in self._layout
        ]
        for step in range(steps):
            x, target, distortion = self._patches()
            seen = penalty.seen([t * mask for t, mask in zip(levels, masks, strict=True)])
            values = [size * tensor for size, tensor in zip(sizes, seen, strict=True)]
            filtered = self._filter(values, x)[:, :, : target.shape[2], : target.shape[3]]
            error = distortion.mean(filtered * PIXELS_PER_UNIT - target)
            optimizer.zero_grad(set_to_none=True)
            (self._task.weight * error * self._pixels).backward()
            penalty.add_gradients(levels, step / steps)
            optimizer.step()
            schedule.step()
            on_step(step + 1)
        with torch.no_grad():
            for level, mask in zip(levels, masks, strict=True):
                level *= mask

    @property
    def _pixels(self) -> int:
        return self._task.original[0, 0].numel()

    def _filter(self, values: Sequence[Tensor], x: Tensor) -> Tensor:
        changed = dict(self._base)
        for name, (kernel, bias) in relaxed(self._parameters, values, self._postfilter).items():
            changed[f"{name}.weight"] = changed[f"{name}.weight"] + kernel
            changed[f"{name}.bias"] = changed[f"{name}.bias"] + bias
        filtered: Tensor = functional_call(self._postfilter, changed, (x, self._task.quality))
        return filtered

    def _patches(self) -> Batch:
        """Random patches of input and target (even offsets), or the whole of a small image."""
        task = self._task
        height, width = task.original.shape[2:]
        if min(height, width) < PATCH_PX or height * width <= PATCHES * PATCH_PX**2:
            return task.unfiltered, task.original, task.distortion
        inputs, targets, parts = [], [], []
        for _ in range(PATCHES):
            top = 2 * self._rng.integers((height - PATCH_PX) // 2 + 1)
            left = 2 * self._rng.integers((width - PATCH_PX) // 2 + 1)
            rows, columns = slice(top, top + PATCH_PX), slice(left, left + PATCH_PX)
            window = (..., rows, columns)
            parts.append(task.distortion.part(rows, columns))
            inputs.append(task.unfiltered[window])
            targets.append(task.original[window])
        return torch.cat(inputs), torch.cat(targets), Distortion.of_parts(parts)


@torch.no_grad()
def _quantize(
    levels: Sequence[Tensor],
    layout: Sequence[TensorLayout],
    shifts: tuple[int, ...],
    penalty: penalties.Penalty,
) -> tuple[tuple[int, ...], list[Tensor]]:
    """Integer levels at steps that the format has: rounded with a dead zone."""
    found = tuple(_clamped(s + penalty.octaves(group)) for group, s in enumerate(shifts))
    quantised = []
    for level, tensor in zip(penalty.seen(levels), layout, strict=True):
        scaled = level * 2.0 ** (shifts[tensor.group] - found[tensor.group])
        quantised.append(scaled.round() * (scaled.abs() >= DEAD_ZONE))
    return found, quantised


def _clamped(shift: float) -> int:
    """The nearest step shift that can be coded."""
    return int(min(max(round(shift), 0), 2**STEP_SHIFT_BITS - 1))
