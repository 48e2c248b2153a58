"""The post-filter on one picture, strip by strip: pixels, and equations of its last layer."""

from __future__ import annotations

import numpy as np
from torch import Tensor
from torch.nn import functional

from codec.fixed_point import FRACTION_BITS
from codec.picture import Pixels, pad_to_multiple, to_pixels
from codec.postfilter import PostFilter
from codec.strips import Strip, strips
from codec.transform import PIXELS_PER_UNIT
from codec.update.normal import EquationSums, NormalEquations

UNITS = 2**FRACTION_BITS


class Filtering:
    """A picture to be filtered, perhaps by several filters that share all layers but the last.

    The features of the last strip are kept: of a small picture, that is all of it.

    Args:
        unfiltered: integers [1 3 H W], before the post-filter.
        base: makes the features; also gives the halo.
        quality: what it is conditioned on.
    """

    def __init__(self, unfiltered: Tensor, base: PostFilter, quality: int) -> None:
        self._unfiltered = unfiltered
        self._base = base
        self._quality = quality
        self._strips = list(strips(*unfiltered.shape[2:], base.halo))
        self._kept: tuple[Strip, Tensor] | None = None

    def pixels(self, last: PostFilter, width: int, height: int) -> Pixels:
        """The picture, uint8 [h w 3], with the last layer of `last`."""
        rows = [
            to_pixels(self._picture(last, strip), width, min(strip.stop, height) - strip.start)
            for strip in self._strips
        ]
        return rows[0] if len(rows) == 1 else np.concatenate(rows)

    def equations(self, original: Tensor) -> NormalEquations:
        """Normal equations of the base filter's last layer, in picture units.

        original: float [1 3 h w], pixel values - 128.
        """
        outputs, inputs = self._base.leave.weight.shape[:2]
        sums = EquationSums(inputs, outputs)
        for strip in self._strips:
            target = pad_to_multiple(original[:, :, strip.start : strip.stop], 2) / PIXELS_PER_UNIT
            picture = self._picture(self._base, strip)
            errors = target - picture[:, :, : target.shape[2], : target.shape[3]].float() / UNITS
            features = _neighbourhood(self._features(strip), strip).float() / UNITS
            sums.add(features, functional.pixel_unshuffle(errors, 2))
        return sums.total()

    def _picture(self, last: PostFilter, strip: Strip) -> Tensor:
        """Filtered rows of a strip: [1 3 rows W]."""
        part = last.combine(self._rows(strip), self._features(strip))
        return part[:, :, strip.start - strip.first : strip.stop - strip.first]

    def _features(self, strip: Strip) -> Tensor:
        """What the last layer combines, with the halo."""
        if self._kept is None or self._kept[0] != strip:
            self._kept = None  # not both at a time
            self._kept = strip, self._base.features(self._rows(strip), self._quality)
        return self._kept[1]

    def _rows(self, strip: Strip) -> Tensor:
        return self._unfiltered[:, :, strip.first : strip.last]


def _neighbourhood(features: Tensor, strip: Strip) -> Tensor:
    """The features of a strip and one row or column around them, zero beyond the picture."""
    top, bottom = (strip.start - strip.first) // 2, (strip.last - strip.stop) // 2
    kept = features[:, :, max(top - 1, 0) : features.shape[2] - max(bottom - 1, 0)]
    return functional.pad(kept, (1, 1, int(top == 0), int(bottom == 0)))
