"""Parameters that are coded as tensors of levels: levels <-> changes of kernels and biases.

`changes` is in exact integers; a search by gradient descent has the same map in floats
(`codec.encoding.updates.relaxed`).  A level stands for level * 2^shift, the shift of its tensor's
group; `unit_bits` says of what.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from bitstream.update import levels
from bitstream.update.levels import TensorLayout, UpdatePayload
from bitstream.update.methods import Method
from codec.networks.integers import FRACTION_BITS, PARAMETER_BITS, Changes, FilterLayers

KERNEL = 3
"""Rows and columns of the kernels that an update may change."""
SCALE_BITS = 10
"""Fractional bits of a channel's scale."""
COSINE_BITS = 14
"""Fractional bits of the cosine basis."""
RANK = 4
"""Largest rank of a low-rank change; unused ranks are rows of zeros, which cost next to nothing."""


class Array(Protocol):
    """An array of numpy, or a tensor."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sizes."""


class Weighted(Protocol):
    """A convolution, of integers or of torch."""

    @property
    def weight(self) -> Array:
        """Its kernel [outputs inputs k k]."""


AnyLayer = TypeVar("AnyLayer", covariant=True)


class Layers(Protocol[AnyLayer]):
    """The convolutions of a post-filter whose parameters an update may change.

    The quality vector is left out: within one image it only adds to the biases.
    """

    @property
    def enter(self) -> AnyLayer:
        """The first."""

    @property
    def middle(self) -> AnyLayer:
        """The one in between."""

    @property
    def leave(self) -> AnyLayer:
        """The last."""


class Parameters(Protocol):
    """A parameterisation of updates."""

    @property
    def unit_bits(self) -> tuple[int, ...]:
        """Per group: its level 1 at shift 0 is 2^-unit_bits."""

    def layout(self, layers: Layers[Weighted]) -> tuple[TensorLayout, ...]:
        """The tensors of levels, in coding order."""

    def changes(self, payload: UpdatePayload, layers: FilterLayers) -> Changes:
        """Levels -> integers to add to the layers."""


class Kernels:
    """The parameters themselves: one row per output channel of a kernel, one row for a bias."""

    unit_bits = (PARAMETER_BITS, PARAMETER_BITS)

    def layout(self, layers: Layers[Weighted]) -> tuple[TensorLayout, ...]:
        entries = []
        for _, layer in adapted_layers(layers):
            rows = layer.weight.shape[0]
            entries.append(TensorLayout(rows, math.prod(layer.weight.shape[1:]), 0))
            entries.append(TensorLayout(1, rows, 1))
        return tuple(entries)

    def changes(self, payload: UpdatePayload, layers: FilterLayers) -> Changes:
        kernel_shift, bias_shift = payload.step_shifts
        tensors = iter(payload.levels)
        return {
            name: (
                _shifted(next(tensors), kernel_shift).reshape(layer.weight.shape),
                _bias(next(tensors), bias_shift),
            )
            for name, layer in adapted_layers(layers)
        }


class ChannelScales:
    """A scale and a bias per output channel: weight += weight * scale.

    Learned scales per channel are "local scaling" in ISO/IEC 15938-17; as the only change of a
    decoder: Santamaria et al., "Overfitting multiplier parameters for content-adaptive
    post-filtering in video coding" (EUVIP 2022).
    """

    unit_bits = (SCALE_BITS, PARAMETER_BITS)

    def layout(self, layers: Layers[Weighted]) -> tuple[TensorLayout, ...]:
        entries = []
        for _, layer in adapted_layers(layers):
            entries += [TensorLayout(1, layer.weight.shape[0], group) for group in (0, 1)]
        return tuple(entries)

    def changes(self, payload: UpdatePayload, layers: FilterLayers) -> Changes:
        scale_shift, bias_shift = payload.step_shifts
        tensors = iter(payload.levels)
        return {
            name: (
                _rescaled(
                    layer.weight * _shifted(next(tensors), scale_shift).reshape(-1, 1, 1, 1),
                    SCALE_BITS,
                ),
                _bias(next(tensors), bias_shift),
            )
            for name, layer in adapted_layers(layers)
        }


class Cosine:
    """The orthonormal 3x3 cosine transform of each kernel, and biases.

    Oktay et al., "Scalable model compression by entropy penalized reparameterization" (ICLR 2020),
    transform kernels like this; a step of its own for the mean of a kernel, one for the rest.
    """

    unit_bits = (PARAMETER_BITS, PARAMETER_BITS, PARAMETER_BITS)

    def __init__(self) -> None:
        n = np.arange(KERNEL) + 0.5
        waves = np.stack([np.cos(math.pi / KERNEL * k * n) for k in range(KERNEL)])
        waves /= np.linalg.norm(waves, axis=1, keepdims=True)
        basis = np.einsum("uy,vx->uvyx", waves, waves).reshape(KERNEL**2, KERNEL**2)
        self.basis = np.round(basis * 2**COSINE_BITS).astype(np.int64)
        """Integers [frequency tap]; no entry is near a tie, so they are the same anywhere."""

    def layout(self, layers: Layers[Weighted]) -> tuple[TensorLayout, ...]:
        entries = []
        for _, layer in adapted_layers(layers):
            rows, inputs = layer.weight.shape[:2]
            entries.append(TensorLayout(rows, inputs, 0))
            entries.append(TensorLayout(rows, inputs * (KERNEL**2 - 1), 1))
            entries.append(TensorLayout(1, rows, 2))
        return tuple(entries)

    def changes(self, payload: UpdatePayload, layers: FilterLayers) -> Changes:
        flat_shift, wave_shift, bias_shift = payload.step_shifts
        tensors = iter(payload.levels)
        result = {}
        for name, layer in adapted_layers(layers):
            flat, waves = _shifted(next(tensors), flat_shift), _shifted(next(tensors), wave_shift)
            kernel = _rescaled(_joined(flat, waves) @ self.basis, COSINE_BITS)
            result[name] = kernel.reshape(layer.weight.shape), _bias(next(tensors), bias_shift)
        return result


class LowRank:
    """A product of two thin matrices as the change of the last layer.

    Lv et al., "Dynamic low-rank instance adaptation for universal neural image compression" (ACM
    MM 2023), adapt a decoder so.  Rows of `left` [RANK m] belong to outputs, those of `right`
    [RANK n + 1] to inputs and the constant.  Only the product of the two steps matters, so there
    is one.
    """

    unit_bits = (PARAMETER_BITS,)

    def layout(self, layers: Layers[Weighted]) -> tuple[TensorLayout, ...]:
        weight = layers.leave.weight
        columns = weight.shape[0], math.prod(weight.shape[1:]) + 1
        return tuple(TensorLayout(RANK, count, 0) for count in columns)

    def changes(self, payload: UpdatePayload, layers: FilterLayers) -> Changes:
        left, right = (tensor.astype(np.int64) for tensor in payload.levels)
        product = (left.T @ right) << payload.step_shifts[0]
        kernel = product[:, :-1].reshape(layers.leave.weight.shape)
        return {"leave": (kernel, product[:, -1] << FRACTION_BITS)}


PARAMETERS: dict[Method, Parameters] = {
    Method.KERNELS: Kernels(),
    Method.SCALES: ChannelScales(),
    Method.LOW_RANK: LowRank(),
    Method.COSINE: Cosine(),
}
"""The methods of updates whose levels are coded so."""


def pack(method: Method, payload: UpdatePayload, layers: FilterLayers) -> bytes:
    """Levels -> what follows the method in an UPDATE payload."""
    return levels.pack(payload, PARAMETERS[method].layout(layers))


def unpack(method: Method, body: bytes, layers: FilterLayers) -> Changes:
    """What follows the method in an UPDATE payload -> the changes that its levels stand for.

    Raises:
        FormatError: no encoder writes such data.
    """
    parameters = PARAMETERS[method]
    return parameters.changes(levels.unpack(body, parameters.layout(layers)), layers)


def adapted_layers(layers: Layers[AnyLayer]) -> Iterator[tuple[str, AnyLayer]]:
    """Yields the layers by their names, in coding order."""
    yield "enter", layers.enter
    yield "middle", layers.middle
    yield "leave", layers.leave


def _shifted(levels: NDArray[np.int32], shift: int) -> NDArray[np.int64]:
    return levels.astype(np.int64) << shift


def _bias(levels: NDArray[np.int32], shift: int) -> NDArray[np.int64]:
    # A bias has FRACTION_BITS more fractional bits than a weight: those of the activations.
    bias: NDArray[np.int64] = _shifted(levels, shift + FRACTION_BITS)[0]
    return bias


def _rescaled(values: NDArray[np.int64], shift: int) -> NDArray[np.int64]:
    """floor((values + 2^(shift-1)) / 2^shift)."""
    return (values + (1 << (shift - 1))) >> shift


def _joined(flat: NDArray[np.int64], waves: NDArray[np.int64]) -> NDArray[np.int64]:
    """Coefficients [rows inputs] and [rows inputs*8] -> [rows*inputs 9], by frequency."""
    return np.concatenate([flat.reshape(-1, 1), waves.reshape(-1, KERNEL**2 - 1)], 1)
