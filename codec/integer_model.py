"""Float model -> integer tensors (export), and integer tensors -> both decoders.

`quantize_model` makes the tensors that a released model file holds.  From them come the exact
integer twin, which decodes, and a float model with the very same weights, which the encoder's
search differentiates.  Only the analysis stays in float: it runs in the encoder alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from codec.context import LatentFeatures, Prediction
from codec.fixed_point import (
    BASIS_BITS,
    FEATURE_SHIFT,
    FRACTION_BITS,
    MAGNITUDE_LIMIT,
    MEAN_SHIFT,
    PARAMETER_BITS,
    QUALITY_SHIFT,
    IntegerConv,
    IntegerInverseKlt,
    IntegerLatentFeatures,
    IntegerPrediction,
    IntegerQualityBias,
)
from codec.layers import ACTIVATION_LIMIT, Conv, QualityBias
from codec.likelihood import LOG2_SCALE_MIN, LOGISTIC_DEVIATION, SCALES
from codec.model import FilterModel, Model, ModelConfig
from codec.postfilter import ADAPTED_LAYERS, FilterConfig, PostFilter
from codec.quality import LOG2_BITS, MAGNITUDE_STEPS, VALUE_BITS, IntegerLevel, integer_levels
from codec.transform import InverseKlt

WEIGHT_RESOLUTION = 20
"""Root mean square of a layer's weights in units of its last bit, at least: rounding noise then
stays 37 dB below the weights (and most layers need only two float32 digits)."""

ADAPTABLE = tuple(f"postfilter.{layer}" for layer in ADAPTED_LAYERS)
"""Layers that weight updates change."""

Tensors = dict[str, Tensor]


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
    if isinstance(model, Model):
        for name, value in model.analysis.state_dict().items():
            tensors[f"analysis.{name}"] = value.half()
        tensors["levels"] = torch.tensor(integer_levels(), dtype=torch.int32)
    return tensors


def build_integer(config: ModelConfig | FilterConfig, tensors: Tensors) -> Model | FilterModel:
    """The exact decoder: networks whose parts are integer twins, without analysis."""
    model = Model(config) if isinstance(config, ModelConfig) else FilterModel(config)
    if isinstance(model, Model):
        del model.analysis
    for name, module in list(model.named_modules()):
        twin: nn.Module
        if isinstance(module, Conv):
            twin = integer_conv(module, tensors, name)
        elif isinstance(module, QualityBias):
            twin = IntegerQualityBias(tensors[f"{name}.vector"].long())
        elif isinstance(module, InverseKlt):
            twin = IntegerInverseKlt(tensors[f"{name}.basis"])
        elif isinstance(module, LatentFeatures):
            twin = IntegerLatentFeatures(
                tensors[f"{name}.reciprocal"], tensors[f"{name}.log2_table"]
            )
        elif isinstance(module, Prediction):
            deviation, offset = tensors[f"{name}.deviation"], tensors[f"{name}.log2_deviation"]
            twin = IntegerPrediction(deviation, offset, SCALES)
        else:
            continue
        model.set_submodule(name, twin)
    return model.eval()


def integer_conv(module: Conv, tensors: Tensors, name: str) -> IntegerConv:
    """Builds one convolution, with the proof of its bound."""
    shift, limit = tensors[f"{name}.format"].tolist()
    return IntegerConv(
        tensors[f"{name}.weight"],
        tensors[f"{name}.bias"],
        shift=shift,
        limit=limit,
        stride=module.stride,
        padding=module.padding,
        activate=module.activate,
    )


def build_float(config: ModelConfig | FilterConfig, tensors: Tensors) -> Model | FilterModel:
    """The float model with the weights of the integer one, for the encoder's search."""
    model = Model(config) if isinstance(config, ModelConfig) else FilterModel(config)
    state: Tensors = {}
    for name, module in model.named_modules():
        if name.startswith("analysis"):
            continue
        if isinstance(module, Conv):
            shift = int(tensors[f"{name}.format"][0])
            state[f"{name}.weight"] = tensors[f"{name}.weight"].float() / 2**shift
            state[f"{name}.bias"] = tensors[f"{name}.bias"].float() / 2 ** (shift + FRACTION_BITS)
        elif isinstance(module, QualityBias):
            scale = 100 / 2 ** (FRACTION_BITS + QUALITY_SHIFT)
            state[f"{name}.vector"] = tensors[f"{name}.vector"].float() * scale
        elif isinstance(module, InverseKlt):
            state[f"{name}.basis"] = tensors[f"{name}.basis"].float() / 2**BASIS_BITS
        elif isinstance(module, LatentFeatures | Prediction):
            scale = 2 ** (MEAN_SHIFT + VALUE_BITS - FRACTION_BITS)
            state[f"{name}.deviation"] = tensors["context.prediction.deviation"].float() / scale
    state |= {name: t.float() for name, t in tensors.items() if name.startswith("analysis.")}
    model.load_state_dict(state, assign=True)
    return model.eval().requires_grad_(False)


def set_last_layer(postfilter: PostFilter, integer: PostFilter) -> None:
    """Gives a float post-filter the last layer of an integer one."""
    layer = integer.leave
    postfilter.leave.weight.copy_(layer.weight.float() / 2**layer.shift)
    postfilter.leave.bias.copy_(layer.offset.float() / 2 ** (layer.shift + FRACTION_BITS))


def integer_level(tensors: Tensors, half: int) -> IntegerLevel:
    """Quality in halves (0..200) -> the integers that the decoder uses for it."""
    step, reciprocal, log2_step = tensors["levels"][half].tolist()
    return IntegerLevel(half - 100, step, reciprocal, log2_step)
