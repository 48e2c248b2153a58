"""Runs the post-filter on one picture, strip by strip."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from codec.networks.pictures import to_pixels
from codec.networks.postfilter import PostFilter
from codec.networks.strips import Strip, strips
from codec.picture.pixels import Pixels


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
        self.base = base
        self._quality = quality
        self.strips = list(strips(unfiltered.shape[2], unfiltered.shape[3], base.halo))
        self._kept: tuple[Strip, Tensor] | None = None

    def pixels(self, last: PostFilter, width: int, height: int) -> Pixels:
        """The picture, uint8 [h w 3], with the last layer of `last`."""
        rows = [
            to_pixels(self.picture(last, strip), width, min(strip.stop, height) - strip.start)
            for strip in self.strips
        ]
        return rows[0] if len(rows) == 1 else np.concatenate(rows)

    def picture(self, last: PostFilter, strip: Strip) -> Tensor:
        """Filtered rows of a strip: [1 3 rows W]."""
        part = last.combine(self._rows(strip), self.features(strip))
        return part[:, :, strip.start - strip.first : strip.stop - strip.first]

    def features(self, strip: Strip) -> Tensor:
        """What the last layer combines, with the halo."""
        if self._kept is None or self._kept[0] != strip:
            self._kept = None  # not both at a time
            self._kept = strip, self.base.features(self._rows(strip), self._quality)
        return self._kept[1]

    def _rows(self, strip: Strip) -> Tensor:
        return self._unfiltered[:, :, strip.first : strip.last]
