"""The metrics of result tables: those of the codec, and Butteraugli by its own program."""

from __future__ import annotations

import math
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from codec.picture.metrics import METRICS, Metric
from codec.picture.pixels import Pixels

PROGRAM = "butteraugli_main"
"""Of libjxl; Debian has it in libjxl-devtools."""


def butteraugli(pixels: Pixels, reference: Pixels) -> float:
    """3-norm of Butteraugli (Alakuijala et al., 2017), 0 is equal; nan without its program."""
    if shutil.which(PROGRAM) is None:
        return math.nan
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for name, picture in (("original", reference), ("decoded", pixels)):
            names.append(Path(folder, f"{name}.png"))
            Image.fromarray(picture).save(names[-1])
        command = [PROGRAM, *names]
        found = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    # The first line has the largest distance, the last one "3-norm: X".
    return float(found.stdout.split()[-1])


def _closeness(distance: float) -> float:
    """A distance on a scale that rises with the quality, about evenly."""
    return -math.log2(max(distance, 1e-3))


MEASURED: Mapping[str, Metric] = {
    **METRICS,
    "butteraugli": Metric(
        butteraugli,
        "Butteraugli",
        "Butteraugli of libjxl, 3-norm",
        unit="",
        decimals=3,
        better="lower",
        smallest_side_px=8,
        spread=_closeness,
        axis="Butteraugli (3-norm), -log2",
    ),
}
"""A column of result tables each."""
