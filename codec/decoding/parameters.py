"""Parameters that are coded as tensors of levels: levels <-> changes of kernels and biases.

The map is there twice, side by side: `changes` in exact integers, which decodes, and, where a
search by gradient descent needs it, `relaxed` in floats.  A level stands for
level * 2^shift, the shift of its tensor's group; `unit_bits` says of what.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitstream import TensorLayout, UpdatePayload
from codec.networks.fixed_point import PARAMETER_BITS
from codec.networks.layers import Conv
from codec.networks.postfilter import ADAPTED_LAYERS, KERNEL, PostFilter
from codec.networks.units import FRACTION_BITS

Changes = dict[str, tuple[Tensor, Tensor]]
"""What is added to kernel and bias of the named layers."""

SCALE_BITS = 10
"""Fractional bits of a channel's scale."""
COSINE_BITS = 14
"""Fractional bits of the cosine basis."""
RANK = 4
"""Largest rank of a low-rank change; unused ranks are rows of zeros, which cost next to nothing."""


class Parameters(Protocol):
    """A parameterisation of updates."""

    unit_bits: tuple[int, ...]
    """Per group: its level 1 at shift 0 is 2^-unit_bits."""

    def layout(self, postfilter: PostFilter) -> tuple[TensorLayout, ...]:
        """The tensors of levels, in coding order."""

    def changes(self, payload: UpdatePayload, postfilter: PostFilter) -> Changes:
        """Levels -> integers to add to the integer post-filter."""


class Relaxable(Parameters, Protocol):
    """One that gradient descent can search in."""

    def relaxed(self, values: Sequence[Tensor], postfilter: PostFilter) -> Changes:
        """Real values, level * 2^(shift - unit_bits) -> what to add to the float post-filter."""


class Kernels:
    """The parameters themselves: one row per output channel of a kernel, one row for a bias."""

    unit_bits = (PARAMETER_BITS, PARAMETER_BITS)

    def layout(self, postfilter: PostFilter) -> tuple[TensorLayout, ...]:
        entries = []
        for _, layer in adapted_layers(postfilter):
            rows = len(layer.weight)
            entries.append(TensorLayout(rows, layer.weight[0].numel(), 0))
            entries.append(TensorLayout(1, rows, 1))
        return tuple(entries)

    def changes(self, payload: UpdatePayload, postfilter: PostFilter) -> Changes:
        kernel_shift, bias_shift = payload.step_shifts
        levels = iter(payload.levels)
        return {
            name: (
                _shifted(next(levels), kernel_shift).view(layer.weight.shape),
                _bias(next(levels), bias_shift),
            )
            for name, layer in adapted_layers(postfilter)
        }

    def relaxed(self, values: Sequence[Tensor], postfilter: PostFilter) -> Changes:
        rest = iter(values)
        return {
            name: (next(rest).view(layer.weight.shape), next(rest)[0])
            for name, layer in adapted_layers(postfilter)
        }


class Scales:
    """A scale and a bias per output channel: weight += weight * scale.

    Learned scales per channel are "local scaling" in ISO/IEC 15938-17; as the only change of a
    decoder: Santamaria et al., "Overfitting multiplier parameters for content-adaptive
    post-filtering in video coding" (EUVIP 2022).
    """

    unit_bits = (SCALE_BITS, PARAMETER_BITS)

    def layout(self, postfilter: PostFilter) -> tuple[TensorLayout, ...]:
        entries = []
        for _, layer in adapted_layers(postfilter):
            entries += [TensorLayout(1, len(layer.weight), group) for group in (0, 1)]
        return tuple(entries)

    def changes(self, payload: UpdatePayload, postfilter: PostFilter) -> Changes:
        scale_shift, bias_shift = payload.step_shifts
        levels = iter(payload.levels)
        return {
            name: (
                _rescaled(
                    layer.weight.long() * _shifted(next(levels), scale_shift).view(-1, 1, 1, 1),
                    SCALE_BITS,
                ),
                _bias(next(levels), bias_shift),
            )
            for name, layer in adapted_layers(postfilter)
        }

    def relaxed(self, values: Sequence[Tensor], postfilter: PostFilter) -> Changes:
        rest = iter(values)
        return {
            name: (layer.weight * next(rest).view(-1, 1, 1, 1), next(rest)[0])
            for name, layer in adapted_layers(postfilter)
        }


class Cosine:
    """The orthonormal 3x3 cosine transform of each kernel, and biases.

    Oktay et al., "Scalable model compression by entropy penalized reparameterization" (ICLR 2020),
    transform kernels like this; a step of its own for the mean of a kernel, one for the rest.
    """

    unit_bits = (PARAMETER_BITS, PARAMETER_BITS, PARAMETER_BITS)

    def __init__(self) -> None:
        n = torch.arange(KERNEL, dtype=torch.float64) + 0.5
        waves = torch.stack([torch.cos(math.pi / KERNEL * k * n) for k in range(KERNEL)])
        waves /= waves.norm(dim=1, keepdim=True)
        basis = torch.einsum("uy,vx->uvyx", waves, waves).reshape(KERNEL**2, KERNEL**2)
        self.basis = torch.round(basis * 2**COSINE_BITS).long()
        """Integers [frequency tap]; no entry is near a tie, so they are the same anywhere."""

    def layout(self, postfilter: PostFilter) -> tuple[TensorLayout, ...]:
        entries = []
        for _, layer in adapted_layers(postfilter):
            rows, inputs = layer.weight.shape[:2]
            entries.append(TensorLayout(rows, inputs, 0))
            entries.append(TensorLayout(rows, inputs * (KERNEL**2 - 1), 1))
            entries.append(TensorLayout(1, rows, 2))
        return tuple(entries)

    def changes(self, payload: UpdatePayload, postfilter: PostFilter) -> Changes:
        flat_shift, wave_shift, bias_shift = payload.step_shifts
        levels = iter(payload.levels)
        result = {}
        for name, layer in adapted_layers(postfilter):
            flat, waves = _shifted(next(levels), flat_shift), _shifted(next(levels), wave_shift)
            kernel = _rescaled(_joined(flat, waves) @ self.basis, COSINE_BITS)
            result[name] = kernel.view(layer.weight.shape), _bias(next(levels), bias_shift)
        return result

    def relaxed(self, values: Sequence[Tensor], postfilter: PostFilter) -> Changes:
        rest = iter(values)
        result = {}
        for name, layer in adapted_layers(postfilter):
            kernel = _joined(next(rest), next(rest)) @ (self.basis.float() / 2**COSINE_BITS)
            result[name] = kernel.view(layer.weight.shape), next(rest)[0]
        return result


class LowRank:
    """A product of two thin matrices as the change of the last layer.

    Lv et al., "Dynamic low-rank instance adaptation for universal neural image compression" (ACM
    MM 2023), adapt a decoder so.  Rows of `left` [RANK m] belong to outputs, those of `right`
    [RANK n + 1] to inputs and the constant.  Only the product of the two steps matters, so there
    is one.
    """

    unit_bits = (PARAMETER_BITS,)

    def layout(self, postfilter: PostFilter) -> tuple[TensorLayout, ...]:
        weight = postfilter.leave.weight
        return TensorLayout(RANK, len(weight), 0), TensorLayout(RANK, weight[0].numel() + 1, 0)

    def changes(self, payload: UpdatePayload, postfilter: PostFilter) -> Changes:
        left, right = (torch.from_numpy(levels).long() for levels in payload.levels)
        product = (left.T @ right) << payload.step_shifts[0]
        kernel = product[:, :-1].reshape(postfilter.leave.weight.shape)
        return {"leave": (kernel, product[:, -1] << FRACTION_BITS)}


def adapted_layers(postfilter: PostFilter) -> Iterator[tuple[str, Conv]]:
    """The convolutions whose parameters an update may change, in coding order.

    The quality vector is left out: within one image it only adds to the biases.
    """
    for name in ADAPTED_LAYERS:
        yield name, getattr(postfilter, name)


def _shifted(levels: NDArray[np.int32], shift: int) -> Tensor:
    return torch.from_numpy(levels).long() << shift


def _bias(levels: NDArray[np.int32], shift: int) -> Tensor:
    # A bias has FRACTION_BITS more fractional bits than a weight: those of the activations.
    return _shifted(levels, shift + FRACTION_BITS)[0]


def _rescaled(values: Tensor, shift: int) -> Tensor:
    """floor((values + 2^(shift-1)) / 2^shift), int64."""
    return (values + (1 << (shift - 1))) >> shift


def _joined(flat: Tensor, waves: Tensor) -> Tensor:
    """Coefficients [rows inputs] and [rows inputs*8] -> [rows*inputs 9], by frequency."""
    return torch.cat([flat.reshape(-1, 1), waves.reshape(-1, KERNEL**2 - 1)], 1)
