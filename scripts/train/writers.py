"""What writes people's JPEG, WebP and AVIF files: the settings that filters are trained for."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from codec.picture.pixels import Pixels
from codec.picture.standard import jpeg_quality

Options = Callable[[int], Mapping[str, Any]]
"""Pillow's for a file of a quality, 0..100."""
MIDDLE_QUALITY = 50
"""libjpeg's tables are those of ITU-T T.81, annex K, as they stand there."""


@cache
def _middle_tables() -> tuple[NDArray[np.float64], ...]:
    """Quantisation tables of luma and chroma in annex K, [64] each."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "jpeg", quality=MIDDLE_QUALITY)
    with Image.open(file) as image:
        tables: dict[int, list[int]] = getattr(image, "quantization")  # noqa: B009 # of JPEG alone
    return tuple(np.array(tables[number], np.float64) for number in (0, 1))


def _fixed(**options: Any) -> Options:
    """The same at all qualities, but for that."""
    return lambda quality: {"quality": quality, **options}


def _tables(slope: float, **options: Any) -> Options:
    """JPEG with tables that rise less or more with the frequency than those of annex K.

    Those of cameras and of MozJPEG are flatter.  The luma table has the sum that libjpeg's has at
    the quality, so that `jpeg_quality` finds it.

    Args:
        slope: power of the rise from the smallest step, 1 for that of annex K.
        options: further ones.
    """

    def chosen(quality: int) -> Mapping[str, Any]:
        percent = 5000 / quality if quality < MIDDLE_QUALITY else 200 - 2 * quality
        luma, chroma = _middle_tables()
        bent = [table.min() * (table / table.min()) ** slope for table in (luma, chroma)]
        scale = percent / 100 * luma.sum() / bent[0].sum()
        steps = [np.clip(np.rint(table * scale), 1, 255).astype(int).tolist() for table in bent]
        return {"qtables": steps, **options}

    return chosen


WRITERS: Mapping[str, tuple[Options, ...]] = {
    "jpeg": (
        _fixed(subsampling="4:2:0"),
        _fixed(subsampling="4:4:4"),
        _tables(0.6, subsampling="4:2:0"),
        _tables(0.8, subsampling="4:2:2"),
        _tables(1.2, subsampling="4:2:0"),
    ),
    "webp": (
        _fixed(method=4),
        _fixed(method=6),
    ),
    "avif": (
        _fixed(subsampling="4:2:0", speed=6, max_threads=1),
        _fixed(subsampling="4:4:4", speed=6, max_threads=1),
        _fixed(subsampling="4:2:0", speed=6, max_threads=1, advanced={"tune": "ssim"}),
        _fixed(subsampling="4:4:4", speed=6, max_threads=1, advanced={"tune": "psnr"}),
    ),
}
"""AVIF without a tune is what libavif chooses, which is the eye's."""


def write(content: str, number: int, pixels: Pixels, quality: int) -> tuple[bytes, float]:
    """Writes a picture with the settings of that number, counted round and round.

    Returns:
        The file, and the quality that the filter is told, 0..100.
    """
    options = WRITERS[content][number % len(WRITERS[content])](quality)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, content, **options)
    data = file.getvalue()
    told = jpeg_quality(data)
    return data, float(quality if told is None else told)
