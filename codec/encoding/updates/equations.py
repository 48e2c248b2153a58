"""Sums the normal equations of the post-filter's last layer over a picture, strip by strip."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from codec.decoding.filtering import Filtering
from codec.encoding.distortion import EVEN, Distortion
from codec.encoding.updates.normal import EquationSums, NormalEquations
from codec.networks.integers import FRACTION_BITS
from codec.networks.pictures import pad_to_multiple
from codec.networks.strips import Strip
from codec.networks.units import PIXELS_PER_UNIT

UNITS = 2**FRACTION_BITS


def equations(
    filtering: Filtering, original: Tensor, distortion: Distortion = EVEN
) -> NormalEquations:
    """Normal equations of the base filter's last layer, in picture units.

    Args:
        filtering: the base filter on the picture.
        original: float [1 3 h w], pixel values - 128.
        distortion: how much each position counts.
    """
    outputs, inputs = filtering.base.leave.weight.shape[:2]
    sums = EquationSums(inputs, outputs)
    for strip in filtering.strips:
        target = pad_to_multiple(original[:, :, strip.start : strip.stop], 2) / PIXELS_PER_UNIT
        picture = filtering.picture(filtering.base, strip)
        errors = target - picture[:, :, : target.shape[2], : target.shape[3]].float() / UNITS
        features = _neighbourhood(filtering.features(strip), strip).float() / UNITS
        weights = distortion.blocks(slice(strip.start, strip.stop))
        sums.add(features, functional.pixel_unshuffle(errors, 2), weights)
    return sums.total()


def _neighbourhood(features: Tensor, strip: Strip) -> Tensor:
    """The features of a strip and one row or column around them, zero beyond the picture."""
    top, bottom = (strip.start - strip.first) // 2, (strip.last - strip.stop) // 2
    kept = features[:, :, max(top - 1, 0) : features.shape[2] - max(bottom - 1, 0)]
    return functional.pad(kept, (1, 1, int(top == 0), int(bottom == 0)))
