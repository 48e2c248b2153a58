"""The exact twins of the lossless networks, and the tensors that a model file holds of them."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from codec.networks.config import LosslessConfig
from codec.networks.fixed_point import IntegerConv, integer, rescale
from codec.networks.integers import FRACTION_BITS, IntegerLayer
from codec.networks.layers import ACTIVATION_LIMIT, Conv, Modules
from codec.networks.lossless.network import (
    CENTRE,
    OUTPUTS,
    Bound,
    Head,
    Linear,
    LosslessNetworks,
    Loudness,
    edges,
)
from codec.networks.lossless.scan import PassStep
from codec.networks.lossless.shape import PIXEL_LIMIT, VALUE_BITS
from codec.networks.twins import Tensors, integer_conv

LINEAR_BITS = 14
LARGEST_SUM = 4 * ACTIVATION_LIMIT
"""Activations that are sums of several have a larger range."""
ERROR_LIMIT = 2 ** (9 + VALUE_BITS)
LOUDNESS_SHIFT = VALUE_BITS - 2
"""The table of logarithms counts in quarters of a pixel value."""
MEAN_LIMIT = 2 ** (9 + VALUE_BITS)
"""Twice the largest difference of two pixels."""


class IntegerLoudness(nn.Module):
    """Twin of `network.Loudness`."""

    table: Tensor

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        self.register_buffer("table", table.float())

    def forward(self, x: Tensor) -> Tensor:
        quarters = rescale(x.abs(), LOUDNESS_SHIFT).clamp(max=len(self.table) - 1)
        return self.table[quarters.long()]


class IntegerLinear(nn.Module):
    """Twin of `network.Linear`."""

    def __init__(self, weight: Tensor, across: Tensor) -> None:
        super().__init__()
        reach = weight.shape[-1] // 2
        self.reach = reach
        self.weight: Modules[IntegerConv] = Modules(
            _plain_conv(part, LINEAR_BITS - VALUE_BITS, PIXEL_LIMIT, 0) for part in weight
        )
        self.across: Modules[Modules[IntegerConv]] = Modules(
            Modules(
                _plain_conv(part[channel : channel + 1, :channel], LINEAR_BITS, ERROR_LIMIT, 1)
                for channel in range(1, len(part))
            )
            for part in across
        )

    def forward(self, known: Tensor, index: int) -> Tensor:
        return self.weight[index](edges(known * 2.0**-VALUE_BITS, self.reach))

    def correct(self, base: Tensor, errors: Tensor, channel: int, index: int) -> Tensor:
        own = base[:, channel : channel + 1]
        return own + self.across[index][channel - 1](errors) if channel else own


def _plain_conv(weight: Tensor, shift: int, limit: int, padding: int) -> IntegerConv:
    bias = torch.zeros(len(weight), dtype=torch.int32)
    return IntegerConv(
        weight, bias, shift=shift, limit=limit, stride=1, padding=padding, activate=False
    )


def build_exact(config: LosslessConfig, tensors: Tensors) -> LosslessNetworks:
    """The exact networks, with the proofs of their bounds."""
    with torch.device("meta"):  # without storage, and drawn from no generator
        networks = LosslessNetworks(config).requires_grad_(False)
    del networks.log2_width  # the tables know it
    networks.centre = torch.tensor(CENTRE).view(1, -1, 1, 1) * 2**FRACTION_BITS
    for number, network in enumerate(networks.passes):
        grid = tensors[f"passes.{number}.grid"].to(torch.float32)
        network.grid = nn.Parameter(grid, requires_grad=False)
    for name, module in list(networks.named_modules()):
        twin: nn.Module
        if isinstance(module, Conv):
            twin = integer_conv(module, tensors, name)
        elif isinstance(module, Linear):
            twin = IntegerLinear(tensors[f"{name}.weight"], tensors[f"{name}.across"])
        elif isinstance(module, Loudness):
            twin = IntegerLoudness(tensors[f"{name}.table"])
        elif isinstance(module, Bound):
            twin = Bound(ACTIVATION_LIMIT * 2**FRACTION_BITS)
        else:
            continue
        networks.set_submodule(name, twin)
    return networks.eval()


def with_heads(networks: LosslessNetworks, heads: Mapping[str, IntegerLayer]) -> LosslessNetworks:
    """The exact networks with other last layers, by the names of their heads."""
    result = copy.deepcopy(networks)
    for name, layer in heads.items():
        last = f"{name}.leave"
        result.set_submodule(last, integer(result.get_submodule(last)).with_numbers(layer))
    return result


def predict(head: Head, step: PassStep) -> Tensor:
    """What the networks say of one channel, before it is corrected.

    Args:
        head: of the channel, in integers.
        step: its values have VALUE_BITS fractional bits.

    Returns:
        The linear prediction, the mean, and raw scale and odds, see
        `codec.networks.lossless.correction`: float64 [b 4 h w].
    """
    raw = head.leave(step.features).double()
    shift, scale, odds = raw[:, :OUTPUTS].chunk(OUTPUTS, 1)
    base = step.base.double()
    # Float64 holds these sums of products.
    weighted = (raw[:, OUTPUTS:] * step.candidates).sum(1, keepdim=True)
    moved = rescale(shift, FRACTION_BITS - VALUE_BITS) + rescale(weighted, FRACTION_BITS)
    limited = [part.clamp(-MEAN_LIMIT, MEAN_LIMIT) for part in (base, base + moved)]
    return torch.cat([*limited, scale, odds], 1)
