"""Weights at which squared errors stand for the whole distortion around a picture.

The filter's last layer is solved from equations, and these know squares alone.  A metric says at
each position how fast it grows with the error there; the squared error that grows as fast gets its
weight from that.  This is a step of iteratively reweighted least squares (Holland and Welsch,
"Robust regression using iteratively reweighted least-squares", Comm. Stat. 6(9), 1977).  One is
enough: a second one was better for four of twelve pictures of CID22 validation, worse in the mean.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from codec.encoding.contents.tiles import tiles
from codec.encoding.distortion import SHARE, Distortion, blockwise
from codec.networks.order import BLOCK_PX
from codec.networks.pictures import from_pixels
from codec.picture.pixels import Pixels

RADIUS_PX = 1
"""Of the windows in which slopes and errors are compared.  Larger ones gained less, up to 24."""
NOTHING = 1e-3
"""Squared error of a window in which there is as good as none."""


def reweighted(distortion: Distortion, pixels: Pixels, original: Tensor) -> Distortion:
    """The squared errors that stand for a distortion at a decoded picture.

    A picture that is large is judged in tiles, as elsewhere.

    Args:
        distortion: on the scale that a first decoded picture gave it.
        pixels: uint8 [h w 3].
        original: float [1 3 h w], pixel values - 128.
    """
    if distortion.tune is None:
        return distortion
    height, width = pixels.shape[:2]
    picture = from_pixels(pixels).to(original.dtype)
    weights = torch.empty_like(picture[:, :1])
    # Positions of latents come in even numbers, and so do rows and columns of tiles.
    rows, columns = (2 * math.ceil(side / (2 * BLOCK_PX)) for side in (height, width))
    for tile in tiles(rows, columns):
        outer = _in_pixels(tile.outer_rows), _in_pixels(tile.outer_columns)
        top, left = map(_in_pixels, tile.inside)
        part = _weights(distortion.part(*outer), picture[..., *outer], original[..., *outer])
        weights[..., _in_pixels(tile.rows), _in_pixels(tile.columns)] = part[..., top, left]
    return Distortion(blockwise(weights))


def _weights(distortion: Distortion, picture: Tensor, original: Tensor) -> Tensor:
    """The weight of each position of a part, float [1 1 h w]."""
    errors = picture - original
    with torch.enable_grad():
        moved = picture.clone().requires_grad_()
        (slopes,) = torch.autograd.grad(distortion.against(original)(moved), moved)
    # Distortions are summed over positions, and are means of three channels.
    slopes = slopes * picture[0, 0].numel()
    even = torch.ones_like(picture[:, :1]) if distortion.weights is None else distortion.weights
    squares = (1 - SHARE) * even / 3
    of_metric = slopes - 2 * squares * errors
    growth = _mean((of_metric * errors).sum(1, keepdim=True)).clamp(min=0)
    power = _mean(errors.square().sum(1, keepdim=True))
    return 3 * (squares + growth / (2 * (power + NOTHING)))


def _mean(values: Tensor) -> Tensor:
    """Over the window around each position."""
    around = functional.pad(values, (RADIUS_PX,) * 4, mode="replicate")
    return functional.avg_pool2d(around, 2 * RADIUS_PX + 1, stride=1)


def _in_pixels(blocks: slice) -> slice:
    return slice(BLOCK_PX * blocks.start, BLOCK_PX * blocks.stop)
