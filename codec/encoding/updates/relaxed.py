"""What levels do to the post-filter, in floats, for searches by gradient descent.

The same maps as `codec.decoding.parameters` has in integers, on real values
level * 2^(shift - unit_bits).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from codec.decoding.parameters import (
    COSINE_BITS,
    KERNEL,
    ChannelScales,
    Cosine,
    Kernels,
    Parameters,
    adapted_layers,
)
from codec.networks.postfilter import PostFilter

Relaxed = dict[str, tuple[Tensor, Tensor]]
"""What is added to kernel and bias of the named layers of the float post-filter."""


def relaxed(parameters: Parameters, values: Sequence[Tensor], postfilter: PostFilter) -> Relaxed:
    """Real values of all tensors of levels -> what to add; differentiable.

    Raises:
        KeyError: gradient descent cannot search in these parameters.
    """
    return _MAPS[type(parameters)](parameters, values, postfilter)


def _kernels(_: Kernels, values: Sequence[Tensor], postfilter: PostFilter) -> Relaxed:
    rest = iter(values)
    return {
        name: (next(rest).view(layer.weight.shape), next(rest)[0])
        for name, layer in adapted_layers(postfilter)
    }


def _scales(_: ChannelScales, values: Sequence[Tensor], postfilter: PostFilter) -> Relaxed:
    rest = iter(values)
    return {
        name: (layer.weight * next(rest).view(-1, 1, 1, 1), next(rest)[0])
        for name, layer in adapted_layers(postfilter)
    }


def _cosine(parameters: Cosine, values: Sequence[Tensor], postfilter: PostFilter) -> Relaxed:
    rest, basis = iter(values), torch.from_numpy(parameters.basis).float() / 2**COSINE_BITS
    result = {}
    for name, layer in adapted_layers(postfilter):
        flat, waves = next(rest), next(rest)
        joined = torch.cat([flat.reshape(-1, 1), waves.reshape(-1, KERNEL**2 - 1)], 1)
        result[name] = (joined @ basis).view(layer.weight.shape), next(rest)[0]
    return result


_MAPS: dict[type, Callable[..., Relaxed]] = {
    Kernels: _kernels,
    ChannelScales: _scales,
    Cosine: _cosine,
}
