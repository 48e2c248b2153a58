"""Pixels <-> pictures: uint8 [h w 3] <-> tensors [1 3 H W] on the grid of 16x16 blocks."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from codec.networks.units import SIXTEENTHS
from codec.picture import halves
from codec.picture.pixels import Halves, Pixels


def from_pixels(pixels: Pixels) -> Tensor:
    """Pixel values - 128: float [1 3 h w]."""
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() - 128


def to_unfiltered(pixels: Pixels, multiple: int) -> Tensor:
    """Pixels as the post-filter takes them: integers [1 3 H W], sides multiples of `multiple`."""
    return pad_to_multiple(from_pixels(pixels) * SIXTEENTHS, multiple)


def from_halves(picture: Halves) -> Tensor:
    """A picture at half resolution -> integers [1 3 H W]."""
    return torch.from_numpy(halves.to_planes(picture))[None].float()


def to_halves(picture: Tensor) -> Halves:
    """Inverse of `from_halves`."""
    return halves.of_planes(picture[0].numpy())


def to_pixels(picture: Tensor, width: int, height: int) -> NDArray[np.uint8]:
    """Sixteenths around mid-grey [1 3 H W] -> pixels, rounded half up, clipped and cropped."""
    pixels = torch.floor((picture[0, :, :height, :width] + SIXTEENTHS // 2) / SIXTEENTHS) + 128
    return pixels.clamp(0, 255).byte().permute(1, 2, 0).contiguous().numpy()


def pad_to(picture: Tensor, height: int, width: int) -> Tensor:
    """Repeats the last row and column of [1 3 h w] until the picture has the given size."""
    missing = (0, width - picture.shape[3], 0, height - picture.shape[2])
    return functional.pad(picture, missing, mode="replicate")


def pad_to_multiple(picture: Tensor, multiple: int) -> Tensor:
    """The same up to the next multiple of a number of pixels."""
    height, width = (-(-side // multiple) * multiple for side in picture.shape[2:])
    return pad_to(picture, height, width)
