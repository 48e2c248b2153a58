"""Makes the integer tensors that a released model file holds out of a trained float model."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from codec.contract.quality import (
    LOG2_BITS,
    MAGNITUDE_STEPS,
    VALUE_BITS,
    integer_levels,
)
from codec.networks.context import STEP_LIMIT, STEPS_PER_OCTAVE, LatentFeatures, Prediction
from codec.networks.fixed_context import FEATURE_SHIFT, MAGNITUDE_LIMIT, MEAN_SHIFT, STEP_BITS
from codec.networks.fixed_point import (
    QUALITY_SHIFT,
)
from codec.networks.integers import BASIS_BITS, FRACTION_BITS, PARAMETER_BITS
from codec.networks.layers import ACTIVATION_LIMIT, Conv, QualityBias
from codec.networks.learned import Model
from codec.networks.likelihood import LOG2_SCALE_MIN, LOGISTIC_DEVIATION
from codec.networks.postfilter import ADAPTED_LAYERS
from codec.networks.transform import InverseKlt
from codec.networks.twins import Tensors

WEIGHT_RESOLUTION = 20
"""Root mean square of a layer's weights in units of its last bit, at least: rounding noise then
stays 37 dB below the weights (and most layers need only two float32 digits)."""


ADAPTABLE = tuple(f"postfilter.{layer}" for layer in ADAPTED_LAYERS)
"""Layers that weight updates change."""


def measure_limits(
    model: nn.Module, run: Callable[[], None], largest: float = ACTIVATION_LIMIT
) -> dict[str, int]:
    """Largest input of every convolution while `run()` drives the float model, as a power of two.

    At most `largest`.

    Returns name -> limit in activation units, with at least a quarter of an octave to spare.
    """
    peaks: dict[str, float] = {}
    handles = []
    for name, module in model.named_modules():
        if isinstance(module, Conv):

            def note(_: nn.Module, inputs: tuple[Tensor, ...], name: str = name) -> None:
                peaks[name] = max(peaks.get(name, 0.0), float(inputs[0].abs().max()))

            handles.append(module.register_forward_pre_hook(note))
    run()
    for handle in handles:
        handle.remove()
    most = int(largest) << FRACTION_BITS
    return {
        name: min(most, 2 ** math.ceil(math.log2(max(peak, 1e-3) * 1.2 * 2**FRACTION_BITS)))
        for name, peak in peaks.items()
    }


def weight_shift(weight: Tensor) -> int:
    """Fractional bits of a convolution's weights."""
    deviation = float(weight.square().mean().sqrt())
    return max(1, math.ceil(math.log2(WEIGHT_RESOLUTION / max(deviation, 1e-3))))


def to_integers(name: str, values: Tensor, bits: float, dtype: torch.dtype) -> Tensor:
    """Values with so many fractional bits.  Raises ValueError: one does not fit the type."""
    integers = torch.round(values.detach().double() * 2.0**bits)
    if integers.abs().max() > torch.iinfo(dtype).max:
        raise ValueError(f"{name} does not fit {dtype}")
    return integers.to(dtype)


def conv_tensors(name: str, conv: Conv, limit: int, *, adaptable: bool) -> Tensors:
    """What a model file holds of a convolution; `integer_conv` is the inverse.

    Args:
        name: of the layer.
        conv: the layer.
        limit: of its inputs, see `measure_limits`.
        adaptable: whether updates change it: its weights are on their grid, whatever their size.
    """
    shift = PARAMETER_BITS if adaptable else weight_shift(conv.weight)
    weight, bias = f"{name}.weight", f"{name}.bias"
    return {
        weight: to_integers(weight, conv.weight, shift, torch.int16),
        bias: to_integers(bias, conv.bias, shift + FRACTION_BITS, torch.int32),
        f"{name}.format": torch.tensor([shift, limit]),
    }


def quantize_model(model: nn.Module, limits: dict[str, int]) -> Tensors:
    """Integer tensors of everything that the decoder runs, float16 ones of the analysis."""
    tensors: Tensors = {}

    def keep(name: str, values: Tensor, bits: float, dtype: torch.dtype) -> None:
        tensors[name] = to_integers(name, values, bits, dtype)

    for name, module in model.named_modules():
        if name.startswith("analysis"):
            continue
        if isinstance(module, Conv):
            tensors |= conv_tensors(name, module, limits[name], adaptable=name in ADAPTABLE)
        elif isinstance(module, QualityBias):
            per_unit = module.vector / 100
            keep(f"{name}.vector", per_unit, FRACTION_BITS + QUALITY_SHIFT, torch.int32)
        elif isinstance(module, InverseKlt):
            keep(f"{name}.basis", module.basis, BASIS_BITS, torch.int16)
        elif isinstance(module, LatentFeatures):
            keep(f"{name}.reciprocal", 1 / module.deviation, FEATURE_SHIFT, torch.int32)
            eighths = torch.arange(MAGNITUDE_LIMIT + 1) / MAGNITUDE_STEPS
            keep(f"{name}.log2_table", torch.log2(1 + eighths), FRACTION_BITS, torch.int16)
        elif isinstance(module, Prediction):
            mean_bits = MEAN_SHIFT + VALUE_BITS - FRACTION_BITS
            keep(f"{name}.deviation", module.deviation, mean_bits, torch.int32)
            offset = torch.log2(module.deviation / LOGISTIC_DEVIATION) - LOG2_SCALE_MIN
            keep(f"{name}.log2_deviation", offset, LOG2_BITS, torch.int16)
            octaves = torch.arange(-STEP_LIMIT, STEP_LIMIT + 1).double() / STEPS_PER_OCTAVE
            keep(f"{name}.steps", torch.exp2(octaves), STEP_BITS, torch.int32)
    if isinstance(model, Model):
        for name, value in model.analysis.state_dict().items():
            tensors[f"analysis.{name}"] = value.half()
        tensors["levels"] = torch.tensor(integer_levels(), dtype=torch.int32)
    return tensors


def arrays_of(tensors: Tensors) -> dict[str, NDArray[Any]]:
    """The same tensors as arrays, which model files are written from."""
    return {name: tensor.numpy() for name, tensor in tensors.items()}
