"""Exact integer twins of what the context model has beside convolutions (`fixed_point`)."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from codec.contract.quality import LOG2_BITS, RECIPROCAL_BITS, VALUE_BITS, IntegerLevel
from codec.networks.context import OUTPUTS, STEP_LIMIT, STEPS_PER_OCTAVE
from codec.networks.fixed_point import rescale
from codec.networks.integers import FRACTION_BITS, PARAMETER_BITS, Scales
from codec.networks.likelihood import SCALES, SHAPES

FEATURE_SHIFT = 16
"""Fractional bits of 1 / deviation, beyond the format that it maps."""
MEAN_SHIFT = 10
MAGNITUDE_LIMIT = 4095
"""The table of logarithms ends at 512 steps."""
SCALE_SHIFT = FRACTION_BITS - 2
"""Scales are spaced by a quarter of an octave."""
STEP_SHIFT = FRACTION_BITS - 3
"""Steps are spaced by an eighth of an octave."""
STEP_BITS = 14
"""Fractional bits of a step in units of the quality's."""


class IntegerLatentFeatures(nn.Module):
    """Twin of `context.LatentFeatures`."""

    reciprocal: Tensor
    log2_table: Tensor

    def __init__(self, reciprocal: Tensor, log2_table: Tensor) -> None:
        super().__init__()
        self.register_buffer("reciprocal", reciprocal.double())
        self.register_buffer("log2_table", log2_table.float())

    def normalized(self, values: Tensor, start: int, stop: int) -> Tensor:
        reciprocal = self.reciprocal[start:stop].view(1, -1, 1, 1)
        scaled = rescale(values * reciprocal, FEATURE_SHIFT + VALUE_BITS - FRACTION_BITS)
        limit = 16.0 * 2**FRACTION_BITS
        return scaled.clamp(-limit, limit).float()

    def forward(self, values: Tensor, start: int, stop: int, level: IntegerLevel) -> Tensor:
        steps = rescale(values.abs() * level.step_reciprocal, RECIPROCAL_BITS)
        magnitude = self.log2_table[steps.clamp(max=MAGNITUDE_LIMIT).long()]
        return torch.cat([self.normalized(values, start, stop), magnitude], 1)


@dataclass(frozen=True)
class IntegerPredicted:
    """What the networks say of the latents of a slot: integers [p channels h/2 w/2] each.

    Attributes:
        mean: in units of 2^-VALUE_BITS.
        step: quantiser step in the same units.
        table: number of the probability table.
    """

    mean: Tensor
    step: Tensor
    table: Tensor


class IntegerPrediction(nn.Module):
    """Twin of `context.Prediction`.

    The logarithm of a scale is linear in what the network says, `gain` * output + `offset`, in the
    units of weights and biases that updates change.

    Args:
        deviation: of each channel, [channels].
        log2_deviation: its logarithm, [channels].
        steps: 2^(k/8) for every k from -STEP_LIMIT on, STEP_BITS fractional bits.
    """

    deviation: Tensor
    log2_deviation: Tensor
    steps: Tensor
    gain: Tensor
    offset: Tensor

    def __init__(self, deviation: Tensor, log2_deviation: Tensor, steps: Tensor) -> None:
        super().__init__()
        self.register_buffer("deviation", deviation.double())
        self.register_buffer("log2_deviation", log2_deviation.float())
        self.register_buffer("steps", steps.double())
        self.register_buffer("gain", torch.full_like(self.deviation, 2**PARAMETER_BITS))
        self.register_buffer("offset", torch.zeros_like(self.deviation))

    def with_scales(self, scales: Scales) -> IntegerPrediction:
        """The same with other scales, which are in the exact range."""
        result = copy.deepcopy(self)
        result.gain, result.offset = (torch.from_numpy(part).double() for part in scales)
        return result

    def forward(self, raw: Tensor, start: int, stop: int, level: IntegerLevel) -> IntegerPredicted:
        mean, log2_ratio, octaves, shape = raw.chunk(OUTPUTS, 1)
        deviation = self.deviation[start:stop].view(1, -1, 1, 1)
        eighths = rescale(octaves, STEP_SHIFT).clamp(-STEP_LIMIT, STEP_LIMIT)
        step = rescale(self.steps * level.step, STEP_BITS)[(eighths + STEP_LIMIT).long()]
        scale = self._log2_scale(log2_ratio, start, stop)
        usual = self.log2_deviation[start:stop].view(1, -1, 1, 1) - level.log2_step
        scale.add_(usual).sub_(eighths, alpha=2**LOG2_BITS // STEPS_PER_OCTAVE)
        table = rescale(scale, SCALE_SHIFT).clamp(0, SCALES - 1)
        table.add_(rescale(shape, FRACTION_BITS).clamp(0, SHAPES - 1), alpha=SCALES)
        return IntegerPredicted(rescale(mean.double() * deviation, MEAN_SHIFT), step, table)

    def _log2_scale(self, log2_ratio: Tensor, start: int, stop: int) -> Tensor:
        """Beyond what is usual for the channel."""
        gain, offset = (t[start:stop].view(1, -1, 1, 1) for t in (self.gain, self.offset))
        # In place: here are as many numbers of 64 bits as anywhere in the decoder.
        scaled = log2_ratio.double().mul_(gain).add_(offset + 2.0 ** (PARAMETER_BITS - 1))
        return scaled.mul_(2.0**-PARAMETER_BITS).floor_().float()
