r"""Pictures at equal bytes, side by side: what a tune does, and a region of interest.

    python -m scripts compare.gallery --out docs

writes `quality-NAME.webp`, photographs of scikit-image: the original, tunes psnr and ssimulacra2 at
no more bytes, and AVIF as it is by default; and `quality-roi.webp`: the original, without a region
of interest, and with one at no more bytes.  Their figures go into docs/quality.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data

import codec
from codec import EncodeOptions, Lossy
from codec.picture.metrics import METRICS
from codec.research.codecs import Pixels, baseline
from scripts.measure.experiment import DOCS, fill_document, markdown

EFFORT = 4
PHOTOGRAPHS = {"astronaut": (30, 140), "coffee": (90, 180)}
"""Top and left of each part."""
SIDE_PX = 192
QUALITY = 30.0
STEP = 1.5
GAP_PX = 4
FACE = (slice(48, 136), slice(38, 130))
"""In the astronaut: the region of interest."""
SHOWN = {"quality": 88, "method": 6}
"""As WebP, so that the pictures are small; what is lost by that hardly shows beside the rest."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=DOCS, metavar="DIR")
    args = parser.parse_args()
    crops, lines = [], []
    for name, (top, left) in PHOTOGRAPHS.items():
        photograph = getattr(data, name)()
        original = photograph[top : top + SIDE_PX, left : left + SIDE_PX].copy()
        crops.append(original)
        shown = [original]
        for label, size, pixels in versions(original):
            lines.append([name, label, f"{size:,}", *figures(pixels, original)])
            shown.append(pixels)
        save(args.out / f"quality-{name}.webp", shown)
    region = regions(crops[0], args.out / "quality-roi.webp")
    heads = [metric.label for metric in METRICS.values()]
    tables = {
        "quality-crops": markdown(["photograph", "", "bytes", *heads], lines),
        "quality-roi": markdown(["", "bytes", "squared error inside", "outside"], region),
    }
    fill_document(DOCS / "quality.md", tables)


def versions(original: Pixels) -> Iterator[tuple[str, int, Pixels]]:
    """Label, bytes and pixels of each column beside the original."""
    plain = encoded(original, QUALITY)
    yield "tune psnr", len(plain), codec.decode(plain)
    tuned = fitting(len(plain), partial(encoded, original, tune="ssimulacra2"))
    yield "tune ssimulacra2", len(tuned), codec.decode(tuned)
    peer = baseline("avif-default")
    files = (peer.encode(original, float(quality)).data for quality in range(101))
    largest = max((file for file in files if len(file) <= len(plain)), key=len, default=None)
    if largest is not None:
        yield "AVIF, its default tune", len(largest), peer.decode(largest)


def encoded(
    original: Pixels, quality: float, roi: Pixels | None = None, tune: str = "psnr"
) -> bytes:
    """A file."""
    options = EncodeOptions(Lossy(quality), effort=EFFORT, tune=tune)
    return codec.encode(original, options, roi=roi).data


def fitting(size: int, encode: Callable[[float], bytes]) -> bytes:
    """The first file of at most that size, from the quality of the others downwards."""
    qualities = np.arange(QUALITY, 0, -STEP)
    return next(file for quality in qualities if len(file := encode(float(quality))) <= size)


def regions(original: Pixels, out: Path) -> list[list[str]]:
    """Rows of the table of a region of interest; writes its picture."""
    mask: NDArray[np.uint8] = np.zeros(original.shape[:2], np.uint8)
    mask[FACE] = 255
    plain = encoded(original, QUALITY)
    focused = fitting(len(plain), partial(encoded, original, roi=np.dstack([mask] * 3)))
    shown, lines = [original], []
    for label, file in (("without", plain), ("with a region of interest", focused)):
        pixels = codec.decode(file)
        square = np.square(pixels.astype(np.float64) - original).mean(axis=2)
        errors = (f"{square[part].mean():.1f}" for part in (mask > 0, mask == 0))
        lines.append([label, f"{len(file):,}", *errors])
        shown.append(pixels)
    save(out, shown)
    return lines


def figures(pixels: Pixels, original: Pixels) -> Iterator[str]:
    """By each metric."""
    for metric in METRICS.values():
        yield metric.text(metric.measure(pixels, original))


def save(path: Path, pictures: Sequence[Pixels]) -> None:
    """Writes pictures side by side."""
    gap = np.full((pictures[0].shape[0], GAP_PX, 3), 255, np.uint8)
    row = [part for picture in pictures for part in (picture, gap)][:-1]
    Image.fromarray(np.concatenate(row, axis=1)).save(path, **SHOWN)


if __name__ == "__main__":
    main()
