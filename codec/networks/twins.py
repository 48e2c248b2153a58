"""Float model -> integer tensors (export), and integer tensors -> both decoders.

`quantize_model` makes the tensors that a released model file holds.  From them come the exact
integer twin, which decodes, and a float model with the very same weights, which the encoder's
search differentiates.  Only the analysis stays in float: it runs in the encoder alone.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from codec.contract.quality import (
    VALUE_BITS,
)
from codec.networks.config import FilterConfig, ModelConfig
from codec.networks.context import ContextModel, LatentFeatures, Prediction
from codec.networks.fixed_context import MEAN_SHIFT, IntegerLatentFeatures, IntegerPrediction
from codec.networks.fixed_point import (
    QUALITY_SHIFT,
    IntegerConv,
    IntegerInverseKlt,
    IntegerQualityBias,
    integer,
)
from codec.networks.integers import BASIS_BITS, FRACTION_BITS, FilterLayers, Scales
from codec.networks.layers import Conv, QualityBias
from codec.networks.learned import FilterModel, Model
from codec.networks.postfilter import PostFilter
from codec.networks.transform import InverseKlt

Tensors = dict[str, Tensor]


def build_integer(config: ModelConfig | FilterConfig, tensors: Tensors) -> Model | FilterModel:
    """The exact decoder: networks whose parts are integer twins, without analysis."""
    model = _blank(config)
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
            parts = ("deviation", "log2_deviation", "steps")
            twin = IntegerPrediction(*(tensors[f"{name}.{part}"] for part in parts))
        else:
            continue
        model.set_submodule(name, twin)
    return model.eval()


def _blank(config: ModelConfig | FilterConfig) -> Model | FilterModel:
    """Networks whose parameters are still to come: without storage, and drawn from no generator."""
    with torch.device("meta"):
        return Model(config) if isinstance(config, ModelConfig) else FilterModel(config)


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
    model = _blank(config)
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


def set_last_layer(postfilter: PostFilter, exact: PostFilter) -> None:
    """Gives a float post-filter the last layer of an integer one."""
    layer = integer(exact.leave)
    postfilter.leave.weight.copy_(layer.weight.float() / 2**layer.shift)
    postfilter.leave.bias.copy_(layer.offset.float() / 2 ** (layer.shift + FRACTION_BITS))


def changed(postfilter: PostFilter, layers: FilterLayers) -> PostFilter:
    """The integer post-filter with other numbers in the layers that updates may change."""
    result = copy.copy(postfilter)
    result._modules = dict(postfilter._modules)
    for name, layer in layers._asdict().items():
        setattr(result, name, integer(getattr(postfilter, name)).with_numbers(layer))
    return result


def scaled(context: ContextModel, scales: Scales) -> ContextModel:
    """The integer context model with other scales of the latents."""
    result = copy.copy(context)
    prediction: nn.Module = context.prediction
    if not isinstance(prediction, IntegerPrediction):
        raise TypeError("the context model is not an exact one")
    result._modules = context._modules | {"prediction": prediction.with_scales(scales)}
    return result
