"""The metrics that pictures are measured by: one table, which columns, curves and plots go by.

A new metric is an entry of METRICS and a column of `scripts.measure.tables.Row` of the same name.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from codec.picture.pixels import Pixels, psnr_db

MS_SSIM_MIN_SIDE_PX = 161
"""Five scales of an 11-tap window do not fit into less."""


@dataclass(frozen=True)
class Metric:
    """How good a picture is, the larger the better.

    Attributes:
        label: of an axis, which is in dB.
        measure: (original, decoded), both uint8 [h w 3] -> value; nan where it is not defined.
        decibels: value -> what curves are compared and drawn by.
    """

    label: str
    measure: Callable[[Pixels, Pixels], float]
    decibels: Callable[[float], float]


def ms_ssim(original: Pixels, decoded: Pixels) -> float:
    """Multi-scale structural similarity, mean over the channels; nan for a small image."""
    if min(original.shape[:2]) < MS_SSIM_MIN_SIDE_PX:
        return math.nan
    # Here, because torch takes seconds to import and --help needs none of it.
    import torch
    from pytorch_msssim import ms_ssim as similarity

    planes = [
        torch.from_numpy(picture.astype(np.float32)).permute(2, 0, 1)[None]  # [1 3 h w]
        for picture in (original, decoded)
    ]
    return float(similarity(*planes, data_range=255))


def _spread(value: float) -> float:
    """Values close to 1 apart.  Tables have six decimals: 1 is as good as the last of them."""
    return -10 * math.log10(max(1 - value, 1e-6))


METRICS = {
    "psnr_db": Metric("PSNR (RGB), dB", psnr_db, float),
    "ms_ssim": Metric("MS-SSIM (RGB), -10 log10(1 - x), dB", ms_ssim, _spread),
}
"""By the names of their columns."""
