"""Makes the integer tensors of a model file out of trained lossless networks."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from codec.networks.export import conv_tensors, measure_limits, to_integers
from codec.networks.layers import ACTIVATION_LIMIT, Conv
from codec.networks.lossless.network import Linear, Lossless, Loudness
from codec.networks.lossless.twins import LARGEST_SUM, LINEAR_BITS, PIXEL_LIMIT
from codec.networks.twins import Tensors
from codec.networks.units import FRACTION_BITS, PIXELS_PER_LOSSLESS_UNIT


def limits_of(networks: Lossless, run: Callable[[], None]) -> dict[str, int]:
    """Clamp of every convolution's input, from what `run()` lets through the float networks."""
    limits = measure_limits(networks, run, LARGEST_SUM)
    single = round(ACTIVATION_LIMIT * 2**FRACTION_BITS)
    # What reads a single convolution clamps where that is clamped in float.
    return {
        name: min(limit, single) if name.endswith((".reduce", ".leave")) else limit
        for name, limit in limits.items()
    }


def quantize(networks: Lossless, limits: dict[str, int]) -> Tensors:
    """Integer tensors of trained networks.

    Args:
        networks: float.
        limits: see `limits_of`.
    """
    tensors: Tensors = {}

    def keep(name: str, values: Tensor, bits: int, dtype: torch.dtype) -> None:
        tensors[name] = to_integers(name, values, bits, dtype)

    for name, module in networks.named_modules():
        if isinstance(module, Conv):
            adaptable = name.endswith(".leave")
            tensors |= conv_tensors(name, module, limits[name], adaptable=adaptable)
        elif isinstance(module, Linear):
            keep(f"{name}.weight", module.weight, LINEAR_BITS, torch.int32)
            keep(f"{name}.across", module.across, LINEAR_BITS, torch.int32)
        elif isinstance(module, Loudness):
            quarters = torch.arange(4 * 4 * PIXEL_LIMIT) / (4 * PIXELS_PER_LOSSLESS_UNIT)
            keep(f"{name}.table", module(quarters), FRACTION_BITS, torch.int16)
    for number, network in enumerate(networks.passes):
        keep(f"passes.{number}.grid", network.grid, FRACTION_BITS, torch.int16)
    # Only encoders use it: decoders have the tables.
    tensors["log2_width"] = networks.log2_width.detach().clone()
    return tensors
