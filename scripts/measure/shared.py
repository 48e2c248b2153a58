"""What sharing one update over several pictures saves.

    python -m scripts measure.shared --images DIR --pattern 'screen_*' --set screens \
        --out results/0.1.0/shared-updates.tsv [--crop 256] [--count 8] [-q 50]

Takes crops from the pictures whose names match, the same number from each, and measures the whole
set of files: without updates, with one each, and with a shared one whose bytes count once; without
updates also at a higher quality, for the slope of the rate.  Fills a table of
docs/weight-update.md; results/README.md defines the columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

import codec
from codec import EncodeOptions, EncodeResult, Lossy
from codec.picture import reading
from codec.picture.pixels import Pixels
from codec.research.arguments import experiment_parser, list_images
from codec.research.tables import column
from scripts.measure.experiment import DOCS, Experiment, markdown

SPAN = 3.0
"""How much higher the quality is that gives the slope."""


@dataclass(frozen=True)
class Row:
    """A set of files."""

    set: str
    files: int
    quality: float = column("g")
    arrangement: str
    bytes: int
    update_file_bytes: int
    sharing: int
    psnr_db: float = column(".4f")


def rate_percent(row: Row, base: Row, finer: Row) -> float:
    """Bytes against those of files without updates at the same PSNR, linear in the log rate.

    Args:
        row: with updates.
        base: the same without.
        finer: without, at a higher quality.
    """
    slope = math.log(finer.bytes / base.bytes) / (finer.psnr_db - base.psnr_db)
    expected = base.bytes * math.exp(slope * (row.psnr_db - base.psnr_db))
    return 100 * (row.bytes / expected - 1)


def measure(name: str, crops: list[Pixels], options: EncodeOptions) -> Iterator[Row]:
    """All arrangements of a set; files are verified as they are made."""

    def row(
        chosen: EncodeOptions,
        arrangement: str,
        results: list[EncodeResult],
        update: bytes = b"",
        sharing: int = 0,
    ) -> Row:
        size = sum(len(result.data) for result in results) + len(update)
        psnr = float(np.mean([result.report.psnr_db for result in results]))
        return Row(
            name, len(crops), chosen.mode.quality, arrangement, size, len(update), sharing, psnr
        )

    none = replace(options, update="none")
    for arrangement, chosen in (
        ("none", none),
        ("none", replace(none, mode=Lossy(options.mode.quality + SPAN))),
        ("own", options),
    ):
        yield row(chosen, arrangement, [codec.encode(crop, chosen) for crop in crops])
    found = codec.encode_shared(crops, options)
    yield row(options, "shared", list(found.pictures), found.update, found.sharing)


def crops_of(paths: list[Path], side: int, count: int) -> list[Pixels]:
    """Crops spread over the pictures."""
    rng = np.random.default_rng(0)
    crops = []
    for index in range(count):
        pixels = reading.load_pixels(paths[index % len(paths)])
        top, left = (int(rng.integers(size - side + 1)) for size in pixels.shape[:2])
        crops.append(np.ascontiguousarray(pixels[top : top + side, left : left + side]))
    return crops


def shared_table(rows: list[Row]) -> str:
    """Sets of pictures: bytes of all files, and against none at equal PSNR."""
    lines = []
    for shared in (row for row in rows if row.arrangement == "shared"):
        mine = [row for row in rows if row.set == shared.set]
        own = next(r for r in mine if r.arrangement == "own" and r.quality == shared.quality)
        base, finer = (
            next(r for r in mine if r.arrangement == "none" and r.quality == quality)
            for quality in (shared.quality, shared.quality + SPAN)
        )
        cells = [
            f"{row.bytes:,} B ({rate_percent(row, base, finer):+.1f} %)" for row in (own, shared)
        ]
        count, quality = str(shared.files), f"{shared.quality:g}"
        lines.append([shared.set, count, quality, f"{base.bytes:,} B", *cells, str(shared.sharing)])
    heads = ["set", "files", "quality", "no updates", "their own", "shared", "use it"]
    return markdown(heads, lines)


EXPERIMENT = Experiment(
    Row,
    "shared-updates.tsv",
    DOCS / "weight-update.md",
    lambda rows: {"shared-updates": shared_table(rows)},
)


def main() -> None:
    parser = experiment_parser(__doc__)
    parser.add_argument("--pattern", default="*", help="of the names of pictures")
    parser.add_argument("--set", required=True, metavar="NAME")
    parser.add_argument("--crop", type=int, default=256)
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("-q", "--quality", type=float, default=50)
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = EXPERIMENT.open(args.out)
    if rows.lack(set=args.set, quality=args.quality):
        found = list_images(args.images, args.every)
        crops = crops_of([p for p in found if p.match(args.pattern)], args.crop, args.count)
        rows.add(measure(args.set, crops, EncodeOptions(Lossy(args.quality), effort=1)))
    rows.fill()


if __name__ == "__main__":
    main()
