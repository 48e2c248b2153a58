r"""Measures what each tune gives at equal quality to the eye, and fills docs/quality.md.

    python -m scripts compare.quality --images DIR --every 7 --crop 256 \
        --set photographs --out results/0.1.0/quality.tsv

The tunes of nncodec and the codecs that people use otherwise, on the middle of each picture: a row
per picture, codec and quality, with all metrics of results/README.md, and how visible the grid of
blocks is (`scripts/train/seams.py`).  Seconds are those of the processor.
"""

from __future__ import annotations

import math
import statistics
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from codec.contract.options import TUNES
from codec.networks.pictures import from_pixels
from codec.research.arguments import experiment_parser, list_images, numbers
from codec.research.bdrate import EVERYWHERE, bd_rate, spread
from codec.research.codecs import Coder, CoderError, NncodecCoder, Pixels, baseline
from codec.research.curves import CurveError, RateCurve, curves_of, over_common_images
from codec.research.evaluate import line_of, load_image, measured
from codec.research.metrics import MEASURED
from codec.research.tables import Row, TableError, column
from scripts.measure.experiment import DOCS, Experiment, markdown
from scripts.train.seams import seam_ratio

EFFORT = 4
QUALITIES = (25.0, 40.0, 55.0, 70.0, 85.0)
PEERS: Mapping[str, tuple[float, ...]] = {
    "jpeg": (15.0, 30.0, 50.0, 70.0, 85.0, 95.0),
    "jpegli": (15.0, 30.0, 50.0, 70.0, 85.0, 93.0),
    "webp": (5.0, 20.0, 40.0, 60.0, 80.0, 95.0),
    "avif-default": (25.0, 40.0, 55.0, 70.0, 85.0),
    "jxl": (20.0, 40.0, 60.0, 80.0, 92.0),
}
"""Qualities of each, so that SSIMULACRA2 goes from 30 or less to 90 or so."""
RANGES = {"ssimulacra2": (30.0, 90.0)}
"""What people look for: below it is waste, above it nobody sees a difference."""
LABELS = {
    "jpeg": "JPEG 4:2:0",
    "jpegli": "JPEG by jpegli",
    "webp": "WebP",
    "avif-default": "AVIF, its default tune, speed 4",
    "jxl": "JPEG XL",
}


@dataclass(frozen=True)
class Judged(Row):  # type: ignore[misc, valid-type]  # made of the table of metrics
    """A row with the set that its picture is of, and the grid of blocks of both pictures."""

    group: str = ""
    seams: float = column(".4f", 1.0)
    original_seams: float = column(".4f", 1.0)


def main() -> int:
    """Returns the exit status."""
    parser = experiment_parser(__doc__)
    parser.add_argument("--set", required=True, metavar="NAME", help="what to call the pictures")
    parser.add_argument("--crop", type=int, default=256, metavar="PX", help="largest side")
    parser.add_argument("--effort", type=int, default=EFFORT, metavar="N")
    parser.add_argument("--tunes", nargs="+", default=TUNES, choices=TUNES)
    parser.add_argument("--qualities", type=numbers, default=QUALITIES, metavar="Q,Q,...")
    parser.add_argument("--pictures", default="", metavar="NAME,NAME,...", help="these alone")
    args = parser.parse_args()
    names = set(filter(None, args.pictures.split(",")))
    coders: list[tuple[Coder, tuple[float, ...]]] = [
        (baseline(name), qualities) for name, qualities in PEERS.items()
    ]
    coders += [(NncodecCoder(args.effort, tune=tune), args.qualities) for tune in args.tunes]
    rows = EXPERIMENT.open(args.out)
    try:
        for path in list_images(args.images, args.every):
            if names and path.stem not in names:
                continue
            pixels = middle(load_image(path), args.crop)
            for coder, qualities in coders:
                for quality in qualities:
                    key = {"image": path.stem, "codec": coder.name, "effort": coder.effort}
                    if rows.lack(**key, quality=quality):
                        rows.add([judged(path.stem, pixels, coder, quality, args.set)])
    except (CoderError, CurveError, TableError, OSError) as error:
        print(f"quality: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # the rows measured so far are in the file
        return 130
    rows.fill()
    return 0


def middle(pixels: Pixels, side: int) -> Pixels:
    """The middle of a picture, at most `side` high and wide."""
    height, width = pixels.shape[:2]
    top, left = max(0, (height - side) // 2), max(0, (width - side) // 2)
    return np.ascontiguousarray(pixels[top : top + side, left : left + side])


def judged(name: str, pixels: Pixels, coder: Coder, quality: float, group: str) -> Judged:
    """Encodes, and measures the file."""
    start = time.process_time()
    encoded = coder.encode(pixels, quality)
    row = measured(name, pixels, coder, quality, encoded, time.process_time() - start)
    found, original = (seams(picture) for picture in (coder.decode(encoded.data), pixels))
    result = Judged(**vars(row), group=group, seams=found, original_seams=original)
    print(line_of(result), file=sys.stderr)
    return result


def seams(pixels: Pixels) -> float:
    """Steps across the grid of blocks over those elsewhere."""
    return seam_ratio(from_pixels(np.array(pixels)).to(torch.float32))


def rate_table(rows: list[Judged]) -> str:
    """What a tune for the eye needs at equal quality, relative to all others, by metric."""
    lines = []
    for group in _groups(rows):
        chosen = _in(rows, group)
        curves = {metric: _curves(chosen, metric) for metric in MEASURED}
        ours = [label for label in curves["psnr_db"] if label.startswith("nncodec")]
        for test in ours[1:]:
            for anchor in [ours[0], *(name for name in LABELS if name in curves["psnr_db"])]:
                cells = [
                    _rate(found[anchor], found[test], metric) if found else "–"
                    for metric, found in curves.items()
                ]
                name = LABELS.get(anchor, f"tune {_tune(anchor)}")
                lines.append([group, _tune(test), name, *cells])
    heads = ["pictures", "tune", "against", *(metric.label for metric in MEASURED.values())]
    return markdown(heads, lines)


def _curves(rows: list[Judged], metric: str) -> dict[str, RateCurve]:
    """By their labels; none where a metric was not measured."""
    if not all(math.isfinite(getattr(row, metric)) for row in rows):
        return {}
    return {curve.label: curve for curve in curves_of(rows, metric)}


def _rate(anchor: RateCurve, test: RateCurve, metric: str) -> str:
    """Mean over the pictures of their BD-rates; a dash where two curves do not meet."""
    anchor, test = over_common_images([anchor, test])
    rates = []
    for name in anchor.images:
        pair = (spread(curve.images[name], metric) for curve in (anchor, test))
        try:
            rates.append(bd_rate(*pair, RANGES.get(metric, EVERYWHERE)))
        except CurveError:
            continue
    return f"{statistics.mean(rates):+.1f} %" if rates else "–"


def seam_table(rows: list[Judged]) -> str:
    """The grid of blocks by quality and tune, and in the originals."""
    ours = [row for row in rows if row.codec.startswith("nncodec")]
    names = sorted({row.codec for row in ours})
    lines = []
    for group in _groups(ours):
        for quality in sorted({row.quality for row in ours}):
            chosen = [row for row in _in(ours, group) if row.quality == quality]
            ratios = [_mean(row.seams for row in chosen if row.codec == name) for name in names]
            original = _mean(row.original_seams for row in chosen)
            lines.append([group, f"{quality:g}", *ratios, original])
    return markdown(["pictures", "quality", *map(_tune, names), "originals"], lines)


def cost_table(rows: list[Judged]) -> str:
    """What a tune costs: time, and what becomes of rate and colours at the same quality setting."""
    ours = [row for row in rows if row.codec.startswith("nncodec")]
    base = {(row.image, row.quality): row for row in ours if row.codec == "nncodec"}
    lines = []
    for name in sorted({row.codec for row in ours} - {"nncodec"}):
        pairs = [(row, base[row.image, row.quality]) for row in ours if row.codec == name]
        seconds = statistics.mean(row.enc_s / plain.enc_s for row, plain in pairs)
        size = statistics.geometric_mean(row.bytes / plain.bytes for row, plain in pairs)
        psnr = statistics.mean(row.psnr_db - plain.psnr_db for row, plain in pairs)
        lines.append([_tune(name), f"{seconds:.2f}", f"{size - 1:+.1%}", f"{psnr:+.2f} dB"])
    return markdown(["tune", "encode time", "bytes at a quality", "PSNR at a quality"], lines)


def _mean(values: Iterable[float]) -> str:
    found = list(values)
    return f"{statistics.mean(found):.3f}" if found else "–"


def _groups(rows: list[Judged]) -> list[str]:
    return sorted({row.group for row in rows}, reverse=True)


def _in(rows: list[Judged], group: str) -> list[Judged]:
    return [row for row in rows if row.group == group]


def _tune(label: str) -> str:
    """Of a curve or codec of ours."""
    return label.removeprefix("nncodec").split(" effort")[0].lstrip("-") or TUNES[0]


EXPERIMENT = Experiment(
    Judged,
    "quality.tsv",
    DOCS / "quality.md",
    lambda rows: {
        "quality-rates": rate_table(rows),
        "quality-seams": seam_table(rows),
        "quality-costs": cost_table(rows),
    },
)


if __name__ == "__main__":
    sys.exit(main())
