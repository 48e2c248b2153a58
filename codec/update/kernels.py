"""Updates of single parameters: integer levels <-> integer changes of kernels and biases.

A level adds level * 2^shift to an integer parameter.  One shift serves all kernels and one all
biases (both are in the file), so that level * 2^(shift - PARAMETER_BITS) is the change in float
units of either.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitstream import TensorLayout, UpdatePayload
from bitstream import kernels as kernels_payload
from codec.fixed_point import FRACTION_BITS
from codec.layers import Conv
from codec.postfilter import ADAPTED_LAYERS, PostFilter

KERNELS, BIASES = 0, 1
"""Step groups."""


def adapted_layers(postfilter: PostFilter) -> Iterator[tuple[str, Conv]]:
    """The convolutions whose parameters an update may change, in coding order.

    The quality vector is left out: within one image it only adds to the biases.
    """
    for name in ADAPTED_LAYERS:
        yield name, getattr(postfilter, name)


def layout_of(postfilter: PostFilter) -> tuple[TensorLayout, ...]:
    """Kernel and bias of each layer: one row per output channel, one row for a bias."""
    entries = []
    for _, layer in adapted_layers(postfilter):
        rows = len(layer.weight)
        entries.append(TensorLayout(rows, layer.weight[0].numel(), KERNELS))
        entries.append(TensorLayout(1, rows, BIASES))
    return tuple(entries)


def pack(payload: UpdatePayload, postfilter: PostFilter) -> bytes:
    """Levels -> the body of an UPDATE payload."""
    return kernels_payload.pack(payload, layout_of(postfilter))


def unpack(data: bytes, postfilter: PostFilter) -> UpdatePayload:
    """The body of an UPDATE payload -> levels."""
    return kernels_payload.unpack(data, layout_of(postfilter))


def changes(payload: UpdatePayload, postfilter: PostFilter) -> dict[str, tuple[Tensor, Tensor]]:
    """Integers to add to kernel and bias of each layer."""
    levels = iter(payload.levels)
    kernel_shift, bias_shift = payload.step_shifts
    changes = {}
    for name, layer in adapted_layers(postfilter):
        kernel = _integers(next(levels), kernel_shift).view(layer.weight.shape)
        # A bias has FRACTION_BITS more fractional bits than a weight: those of the activations.
        changes[name] = kernel, _integers(next(levels), bias_shift + FRACTION_BITS)[0]
    return changes


def _integers(levels: NDArray[np.int32], shift: int) -> Tensor:
    return torch.from_numpy(levels).long() << shift
