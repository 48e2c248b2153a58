"""The weight update: integer levels <-> integer parameters of the post-filter.

An update adds level * 2^shift to kernel and bias integers of the base network that the file names;
updates are never chained.  One shift serves all kernels and one all biases (both are in the file),
so that level * 2^(shift - PARAMETER_BITS) is the change in float units of either.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitstream import InvalidField, TensorLayout, UpdatePayload, pack_update, unpack_update
from codec.fixed_point import FRACTION_BITS, BoundError
from codec.layers import Conv
from codec.postfilter import PostFilter

KERNELS, BIASES = 0, 1
"""Step groups."""


def adapted_layers(postfilter: PostFilter) -> Iterator[tuple[str, Conv]]:
    """The convolutions whose parameters an update may change, in coding order.

    The quality vector is left out: within one image it only adds to the biases.
    """
    for name in ("enter", "middle", "leave"):
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
    """Levels -> UPDATE chunk."""
    return pack_update(payload, layout_of(postfilter))


def unpack(data: bytes, postfilter: PostFilter) -> UpdatePayload:
    """UPDATE chunk -> levels."""
    return unpack_update(data, layout_of(postfilter))


def apply(payload: UpdatePayload, postfilter: PostFilter) -> PostFilter:
    """The integer post-filter with changed parameters.

    Raises:
        InvalidField: the changed network exceeds the bounds of exact arithmetic.
    """
    changed = copy.deepcopy(postfilter)
    levels = iter(payload.levels)
    kernel_shift, bias_shift = payload.step_shifts
    for name, layer in adapted_layers(postfilter):
        kernel = _integers(next(levels), kernel_shift).view(layer.weight.shape)
        # A bias has FRACTION_BITS more fractional bits than a weight: those of the activations.
        bias = _integers(next(levels), bias_shift + FRACTION_BITS)[0]
        try:
            setattr(changed, name, layer.plus(kernel, bias))
        except BoundError as error:
            raise InvalidField(f"the weight update leaves the exact range: {error}") from error
    return changed


def _integers(levels: NDArray[np.int32], shift: int) -> Tensor:
    return torch.from_numpy(levels).long() << shift
