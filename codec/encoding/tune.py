"""What people see, as part of the distortion: metrics of `codec.picture` in torch.

A search needs the gradient of a metric, and a decision its value; so each row of `TUNES` has both:
the form in torch, here, and the one in numpy, which works on pictures of any size.  They share all
constants.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from codec.picture import ms_ssim, ssimulacra2
from codec.picture.pixels import Pixels

PEAK = 255
MIDDLE = 128
"""Searches hold pixel values less that."""
Criterion = Callable[[Tensor], Tensor]
"""What a picture, float [1 3 h w], pixel values - 128, lacks: to be differentiated."""


@dataclass(frozen=True)
class Tune:
    """A metric that an encode is tuned for.

    Attributes:
        label: what people call it.
        lack: what a picture, uint8 [h w 3], lacks against its original: 0 where they are equal.
        against: makes the same, to be differentiated, for an original [1 3 h w].
        steepness: the share of a squared error that changes for a share of `lack`, about: 1 for
            what grows like squares, more for what grows slower.
        smallest_side_px: of pictures that it can judge.
    """

    label: str
    lack: Callable[[Pixels, Pixels], float]
    against: Callable[[Tensor], Criterion]
    steepness: float
    smallest_side_px: int


class Ssimulacra2:
    """The weighted error of `codec.picture.ssimulacra2`, which the score falls with.

    What hardly counts is left out: planes of a scale that have no weight of `LEAST_WEIGHT`, which
    are all but luma in full size.
    """

    LEAST_WEIGHT = 0.005
    NOTHING = 1e-24
    """Fourth power that is as good as 0, where the root has no gradient."""

    def __init__(self, original: Tensor) -> None:
        light, found = _light(original), []
        for scale in range(ssimulacra2.SCALES):
            if min(light.shape[2:]) < ssimulacra2.SMALLEST_SIDE_PX:
                break
            light = _halved(light) if scale else light
            found.append(_xyb(light))
        weights = np.moveaxis(ssimulacra2.weights(len(found)), 1, 0)
        self._scales = [_Scale.of(*pair) for pair in zip(found, weights, strict=True)]

    def __call__(self, picture: Tensor) -> Tensor:
        """Compares a picture with the original."""
        light, total = _light(picture), picture.new_zeros(())
        for number, scale in enumerate(self._scales):
            light = _halved(light) if number else light
            if scale is not None:
                total = total + self._weighted(scale, _xyb(light)[:, scale.planes])
        return total

    def _weighted(self, scale: _Scale, planes: Tensor) -> Tensor:
        """The norms of all maps of a scale, at their weights."""
        mean, squares, product = windowed(
            (planes, planes.square(), planes * scale.original),
            ssimulacra2.GAUSSIAN,
            ssimulacra2.RADIUS,
        )
        covariance = 2 * (product - scale.mean * mean) + ssimulacra2.STRUCTURE_FLOOR
        variances = scale.variance + squares - mean.square() + ssimulacra2.STRUCTURE_FLOOR
        structure = 1 - (1 - (scale.mean - mean).square()) * covariance / variances
        edges = (1 + (planes - mean).abs()) / scale.edges - 1
        total = planes.new_zeros(())
        for kind, errors in enumerate((structure, edges, -edges)):
            map_ = errors.clamp(min=0)
            fourth = map_.square().square().mean((0, 2, 3)) + self.NOTHING
            norms = torch.stack([map_.mean((0, 2, 3)), fourth**0.25], dim=1)
            total = total + (norms * scale.weights[:, :, kind]).sum()
        return total


@dataclass(frozen=True, eq=False)
class _Scale:
    """The original on one scale: planes of XYB that count, and what is known of them.

    Attributes:
        planes: their numbers.
        weights: float [planes, 2 norms, 3 kinds].
        original: float [1 planes h w], and its `mean` and `variance` around each position.
        edges: 1 + its distance from that mean.
    """

    planes: list[int]
    weights: Tensor
    original: Tensor
    mean: Tensor
    variance: Tensor
    edges: Tensor

    @classmethod
    def of(cls, xyb: Tensor, weights: NDArray[np.float64]) -> _Scale | None:
        """Prepares a scale; None if nothing of it counts."""
        counting = (weights >= Ssimulacra2.LEAST_WEIGHT).any(axis=(1, 2))
        planes = [int(plane) for plane in np.flatnonzero(counting)]
        if not planes:
            return None
        original = xyb[:, planes]
        radius = ssimulacra2.RADIUS
        mean, squares = windowed((original, original.square()), ssimulacra2.GAUSSIAN, radius)
        kept = torch.tensor(weights[planes], dtype=xyb.dtype, device=xyb.device)
        edges = 1 + (original - mean).abs()
        return cls(planes, kept, original, mean, squares - mean.square(), edges)


class MsSsim:
    """What MS-SSIM, `codec.picture.ms_ssim`, lacks to 1."""

    LEAST = 1e-6
    """Similarity below which there is no gradient."""

    def __init__(self, original: Tensor) -> None:
        self._original = original + MIDDLE

    def __call__(self, picture: Tensor) -> Tensor:
        """Compares a picture with the original."""
        pair = self._original, (picture + MIDDLE).clamp(0, PEAK)
        similarity = picture.new_ones(3)
        for scale, power in enumerate(ms_ssim.POWERS):
            if scale:
                pair = self._halved(pair[0]), self._halved(pair[1])
            luminance_too, contrast = self._similarities(*pair)
            found = luminance_too if scale == len(ms_ssim.POWERS) - 1 else contrast
            similarity = similarity * found.clamp(min=self.LEAST) ** power
        return 1 - similarity.mean()

    @staticmethod
    def _halved(planes: Tensor) -> Tensor:
        height, width = planes.shape[2:]
        return functional.avg_pool2d(functional.pad(planes, (width % 2, 0, height % 2, 0)), 2)

    @staticmethod
    def _similarities(original: Tensor, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Means over all windows of SSIM, and of its contrast and structure alone: [3]."""
        squares = original.square() + planes.square()
        parts = original, planes, squares, original * planes
        mean, found_mean, both, product = windowed(parts, ms_ssim.GAUSSIAN, 0)
        means, powers = mean * found_mean, mean.square() + found_mean.square()
        floor = ms_ssim.CONTRAST_FLOOR
        contrast = (2 * (product - means) + floor) / (both - powers + floor)
        floor = ms_ssim.LUMINANCE_FLOOR
        luminance = (2 * means + floor) / (powers + floor)
        return (luminance * contrast).mean((0, 2, 3)), contrast.mean((0, 2, 3))


TUNES: Mapping[str, Tune] = {
    "ssimulacra2": Tune(
        "SSIMULACRA2",
        ssimulacra2.weighted_error,
        Ssimulacra2,
        steepness=1.6,
        smallest_side_px=ssimulacra2.SMALLEST_SIDE_PX,
    ),
    "ms-ssim": Tune(
        "MS-SSIM",
        lambda pixels, reference: 1 - ms_ssim.ms_ssim(pixels, reference),
        MsSsim,
        steepness=1.0,
        smallest_side_px=ms_ssim.SMALLEST_SIDE_PX,
    ),
}
"""By the names in `EncodeOptions.tune`; "psnr" is the plain squared error."""


def _light(picture: Tensor) -> Tensor:
    """Linear light of pixel values - 128, by lines between those of whole values."""
    values = (picture + MIDDLE).clamp(0, PEAK)
    table = torch.from_numpy(ssimulacra2.LINEAR).to(values.device)
    below = values.detach().long().clamp(max=PEAK - 1)
    return torch.lerp(table[below], table[below + 1], values - below)


def _halved(light: Tensor) -> Tensor:
    height, width = light.shape[2:]
    sides = (0, width % 2, 0, height % 2)
    return functional.avg_pool2d(functional.pad(light, sides, mode="replicate"), 2)


def _xyb(light: Tensor) -> Tensor:
    """XYB of linear light, both [1 3 h w]."""
    bias = float(ssimulacra2.OPSIN_BIAS)
    opsin, opponents, offsets = _matrices(light.device)
    cones = functional.conv2d(light, opsin) + bias
    return functional.conv2d(cones ** (1 / 3) - bias ** (1 / 3), opponents, offsets)


@lru_cache(maxsize=2)
def _matrices(device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    constants = ssimulacra2.OPSIN, ssimulacra2.OPPONENTS, ssimulacra2.OFFSETS
    opsin, opponents, offsets = (torch.from_numpy(array).to(device) for array in constants)
    return opsin[:, :, None, None], opponents[:, :, None, None], offsets


def windowed(parts: Sequence[Tensor], half: Sequence[float], margin: int) -> tuple[Tensor, ...]:
    """Filters planes [n c h w] along both axes.

    Args:
        parts: of equal size.
        half: from the middle of a symmetric filter to its end.
        margin: zeros around the planes.
    """
    planes = torch.cat(tuple(parts), dim=1)
    count = planes.shape[1]
    taps = planes.new_tensor([*half[:0:-1], *half]).expand(count, 1, -1)
    along = functional.conv2d(planes, taps[:, :, None], padding=(0, margin), groups=count)
    both = functional.conv2d(along, taps[..., None], padding=(margin, 0), groups=count)
    return both.chunk(len(parts), dim=1)
