"""Exact integer twins of the decoder's building blocks.

Integers ride in float tensors.  A float sum of integers is exact, in any order, with any number of
threads, on any device, as long as every partial sum stays below 2^24 (float32) or 2^53 (float64);
so each convolution proves its bound when it is built: the sum of |weight| over one output channel,
times the largest input that its clamp lets through.  A convolution too large for float32 is split
into groups of input channels, and its weights into digits, until each part fits; only the sum of
the parts is taken in float64.  That is several times faster than a float64 convolution.
(Integer networks: Balle, Johnston & Minnen, "Integer networks for data compression with
latent-variable models", ICLR 2019.)

Fixed point: activations have FRACTION_BITS fractional bits.  Every rescaling is
floor((x + half) / 2^shift): exact, since multiplying by a power of two and floor are.
"""

from __future__ import annotations

import itertools
from dataclasses import astuple, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from codec.contract.quality import VALUE_BITS
from codec.networks import patience
from codec.networks.integers import (
    BASIS_BITS,
    FRACTION_BITS,
    VALUE_LIMIT,
    BoundError,
    IntegerLayer,
)
from codec.networks.layers import NEGATIVE_SLOPE
from codec.networks.order import BLOCK_PX
from codec.networks.strips import spans

QUALITY_SHIFT = 12
"""Fractional bits of the quality vectors, beyond the format they map."""

FLOAT32_LIMIT, FLOAT64_LIMIT = 2**24, 2**53
MOST_DIGITS = 4
LARGEST_PARTS = 2**24
"""Numbers that the parts of a sum may take at a time: larger layers are computed in pieces."""


def rescale(x: Tensor, shift: int) -> Tensor:
    """floor((x + 2^(shift-1)) / 2^shift), for integers in a float tensor."""
    return torch.floor((x + 2.0 ** (shift - 1)) * 2.0**-shift)


def split_digits(weight: Tensor, bits: int, count: int) -> list[Tensor]:
    """Balanced digits d_k in [-2^(bits-1), 2^(bits-1)), the last one unbounded: sum d_k 2^(k bits).

    weight: int64, any shape.
    """
    digits = []
    for _ in range(count - 1):
        low = torch.remainder(weight + 2 ** (bits - 1), 2**bits) - 2 ** (bits - 1)
        digits.append(low)
        weight = (weight - low) >> bits
    return [*digits, weight]


def largest_sum(weight: Tensor, limit: int, extra: int = 0) -> int:
    """Bound of every partial sum of a convolution: max over outputs of sum |w| * limit + extra."""
    return int(weight.abs().flatten(1).sum(1).max()) * limit + extra


@dataclass(frozen=True)
class Split:
    """How a convolution is cut into exact float32 parts: weight = sum_k digit_k * 2^(k bits)."""

    groups: int
    digits: int
    bits: int

    @property
    def cost(self) -> float:
        """Relative time: digits repeat the convolution, groups only lengthen the final sum."""
        return self.digits + 0.05 * (self.groups * self.digits - 1)

    def parts(self, weight: Tensor) -> list[list[Tensor]]:
        """Digits of each group of input channels: int64 [out in/groups k k]."""
        slices = weight.chunk(self.groups, 1)
        return [split_digits(part, self.bits, self.digits) for part in slices]


def plan_split(weight: Tensor, limit: int, extra: int) -> Split:
    """The cheapest split whose parts are all exact in float32.  Raises BoundError."""
    channels = weight.shape[1]
    width = int(weight.abs().max()).bit_length() + 1
    counts = [g for g in (1, 2, 4, 8, 16) if channels % g == 0 and (g == 1 or channels // g >= 8)]
    splits = [Split(g, d, -(-width // d)) for g in counts for d in range(1, MOST_DIGITS + 1)]
    for split in sorted(splits, key=lambda split: split.cost):
        spare = extra if split.groups * split.digits == 1 else 0
        parts = itertools.chain.from_iterable(split.parts(weight))
        if all(largest_sum(part, limit, spare) < FLOAT32_LIMIT for part in parts):
            return split
    raise BoundError(f"weights of {width} bits and inputs up to {limit} exceed float32")


class IntegerConv(nn.Module):
    """Twin of `layers.Conv`: clamp, convolve, rescale, leaky ReLU.

    Args:
        weight: integers [out in k k];  bias: integers [out], in units of the accumulator.
        shift: fractional bits of the weights.
        limit: inputs are clamped to +-limit (a power of two), which the bound rests on.

    Raises:
        BoundError: sums can't be proven exact.
    """

    kernels: Tensor
    bias: Tensor

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor,
        *,
        shift: int,
        limit: int,
        stride: int,
        padding: int,
        activate: bool,
    ) -> None:
        super().__init__()
        self.weight, self.offset, self.shift, self.limit = weight, bias, shift, limit
        self.stride, self.padding, self.activate = stride, padding, activate
        weight, bias = weight.long(), bias.long()
        # The accumulator also takes the bias and the half of the rounding.
        extra = int(bias.abs().max()) + 2**shift
        if largest_sum(weight, limit, extra) >> shift >= FLOAT32_LIMIT:
            raise BoundError("outputs exceed float32")
        self.split = plan_split(weight, limit, extra)
        kernels = torch.cat(list(itertools.chain.from_iterable(self.split.parts(weight))))
        kernels = kernels.float().contiguous(memory_format=torch.channels_last)
        single = len(kernels) == len(weight)
        self.register_buffer("kernels", kernels)
        self.register_buffer("bias", bias.to(torch.float32 if single else torch.float64))

    def with_numbers(self, layer: IntegerLayer) -> IntegerConv:
        """The same layer with other parameters, its bound proven anew.

        Raises:
            BoundError: see above.
        """
        return IntegerConv(
            torch.from_numpy(layer.weight.copy()),
            torch.from_numpy(layer.bias.copy()),
            shift=layer.shift,
            limit=layer.limit,
            stride=self.stride,
            padding=self.padding,
            activate=self.activate,
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x.float().clamp(-self.limit, self.limit)
        x = x.contiguous(memory_format=torch.channels_last)
        size, step, pad = self.weight.shape[2], self.stride, self.padding
        height, width = ((side + 2 * pad - size) // step + 1 for side in x.shape[2:])
        rows = max(1, LARGEST_PARTS // (len(x) * len(self.kernels) * width))
        if rows >= height:
            return self._convolved(x, (pad, pad))
        x = functional.pad(x, (0, 0, pad, pad))
        pieces = [
            self._convolved(x[:, :, start * step : (stop - 1) * step + size], (0, pad))
            for start, stop in spans(height, rows)
        ]
        return torch.cat(pieces, 2)

    def _convolved(self, x: Tensor, padding: tuple[int, int]) -> Tensor:
        patience.check()
        groups, digits, bits = astuple(self.split)
        parts = functional.conv2d(x, self.kernels, None, self.stride, padding, groups=groups)
        bias = self.bias.view(1, -1, 1, 1)
        if groups * digits == 1:
            total = parts.add_(bias)
        else:
            # A clone, never a view: the sum is taken in place.
            total = bias.expand(len(x), -1, *parts.shape[2:]).clone(
                memory_format=torch.channels_last
            )
            for index, part in enumerate(parts.split(len(self.offset), 1)):
                total.add_(part, alpha=2.0 ** (bits * (index % digits)))
        out = total.add_(2.0 ** (self.shift - 1)).mul_(2.0**-self.shift).floor_()
        if self.activate:
            # floor(x / 8 + 1/2) below zero; above, adding 1/2 to an integer changes nothing.
            out = functional.leaky_relu_(out, NEGATIVE_SLOPE).add_(0.5).floor_()
        return out.float()


def integer(layer: nn.Module) -> IntegerConv:
    """Returns the twin that a network has in place of a layer.

    Raises:
        TypeError: its network is not an exact one.
    """
    if not isinstance(layer, IntegerConv):
        raise TypeError(f"a {type(layer).__name__} has no integers")
    return layer


class IntegerQualityBias(nn.Module):
    """Twin of `layers.QualityBias`; `quality` is the integer 2 * quality - 100 (-100..100)."""

    vector: Tensor

    def __init__(self, vector: Tensor) -> None:
        super().__init__()
        self.register_buffer("vector", vector)

    def forward(self, x: Tensor, quality: int) -> Tensor:
        shifted = (self.vector * quality + 2 ** (QUALITY_SHIFT - 1)) >> QUALITY_SHIFT
        return x + shifted.to(x.dtype).view(1, -1, 1, 1)


class IntegerInverseKlt(nn.Module):
    """Twin of `transform.InverseKlt`, in float64."""

    basis: Tensor

    def __init__(self, basis: Tensor) -> None:
        super().__init__()
        if largest_sum(basis, VALUE_LIMIT, 2**BASIS_BITS) >= FLOAT64_LIMIT:
            raise BoundError("inverse KLT exceeds float64")
        self.register_buffer("basis", basis.double())

    def forward(self, y: Tensor) -> Tensor:
        batch, channels, height, width = y.shape
        flat = y.double().clamp(-VALUE_LIMIT, VALUE_LIMIT).reshape(batch, channels, -1)
        blocks = torch.matmul(self.basis, flat)
        # Picture units are 16 pixel values: FRACTION_BITS makes that sixteenths of one.
        blocks = rescale(blocks, BASIS_BITS + VALUE_BITS - FRACTION_BITS + 4).float()
        return functional.pixel_shuffle(blocks.view(batch, -1, height, width), BLOCK_PX)
