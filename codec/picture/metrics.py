"""The metrics by which a picture is compared with its original, in one table.

A new metric is a row: commands, pages, tables and comparisons of rates take what is here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from codec.picture import ms_ssim as multi_scale
from codec.picture import ssimulacra2 as perceptual
from codec.picture.pixels import Pixels, psnr_db


@dataclass(frozen=True)
class Metric:
    """How close a picture is to its original, in one figure.

    Attributes:
        function: the figure of a picture and its original, uint8 [h w 3] of equal size.
        label: what tables call it.
        title: what it is.
        unit: of the figure; empty if it has none.
        decimals: how many are worth showing.
        better: which figures are.
        smallest_side_px: of pictures that it can judge.
        spread: the figure on a scale that rises with the quality, and on which equal steps are
            about equally much: curves are compared and drawn on it.
        axis: what that scale is called.
    """

    function: Callable[[Pixels, Pixels], float]
    label: str
    title: str
    unit: str
    decimals: int
    better: Literal["higher", "lower"] = "higher"
    smallest_side_px: int = 1
    spread: Callable[[float], float] = float
    axis: str = ""

    @property
    def heading(self) -> str:
        """Of a column of figures."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    def measure(self, pixels: Pixels, reference: Pixels) -> float | None:
        """Measures a picture against its original; None if they are too small for that."""
        if min(reference.shape[:2]) < self.smallest_side_px:
            return None
        return self.function(pixels, reference)

    def change(self, before: float, after: float) -> str:
        """How a figure changed, as people read it."""
        change = 0.0 if before == after else after - before  # both may be infinite
        return f"{self.label} {change:+.{self.decimals}f} {self.unit}".rstrip()

    def text(self, figure: float | None) -> str:
        """A figure as people read it; a dash for none."""
        if figure is None:
            return "–"
        return f"{figure:.{self.decimals}f} {self.unit}".rstrip()


def _decibels(similarity: float) -> float:
    """A similarity as the decibels of what it lacks."""
    # Tables have six decimals: what rounds to 1 is as good as the last of them.
    return -10 * math.log10(max(1 - similarity, 1e-6))


METRICS: Mapping[str, Metric] = {
    "psnr_db": Metric(
        psnr_db,
        "PSNR",
        "peak signal-to-noise ratio over all samples of RGB",
        unit="dB",
        decimals=2,
        axis="PSNR (RGB), dB",
    ),
    "ssimulacra2": Metric(
        perceptual.ssimulacra2,
        "SSIMULACRA2",
        "SSIMULACRA 2.1 (Sneyers, Cloudinary, 2023)",
        unit="",
        decimals=2,
        axis="SSIMULACRA2",
        smallest_side_px=perceptual.SMALLEST_SIDE_PX,
    ),
    "ms_ssim": Metric(
        multi_scale.ms_ssim,
        "MS-SSIM",
        "multi-scale structural similarity (Wang et al., 2003), mean over RGB",
        unit="",
        decimals=4,
        smallest_side_px=multi_scale.SMALLEST_SIDE_PX,
        spread=_decibels,
        axis="MS-SSIM (RGB), -10 log10(1 - x), dB",
    ),
}

Figures = Mapping[str, float | None]
"""By the names of metrics."""
NO_FIGURES: Figures = dict.fromkeys(METRICS)


def measure(pixels: Pixels, reference: Pixels) -> dict[str, float | None]:
    """Measures a picture against its original by all metrics; None where they are too small."""
    return {name: metric.measure(pixels, reference) for name, metric in METRICS.items()}


def texts(figures: Figures) -> list[str]:
    """Label and figure of each metric that gives one."""
    return [
        f"{METRICS[name].label} {METRICS[name].text(figure)}"
        for name, figure in figures.items()
        if figure is not None
    ]


@dataclass(frozen=True, eq=False)
class Assessment:
    """A picture and its original, measured by each metric when it is first asked for."""

    pixels: Pixels
    reference: Pixels
    _found: dict[str, float | None] = field(default_factory=dict, init=False, repr=False)

    def figure(self, name: str) -> float | None:
        """By the name of a metric; None if the picture is too small for it."""
        if name not in self._found:
            self._found[name] = METRICS[name].measure(self.pixels, self.reference)
        return self._found[name]
