"""What sharing one update over several pictures saves.

    python -m scripts measure.shared --images DIR --pattern 'screen_*' --set screens \
        --out results/0.1.0/shared-updates.tsv [--crop 256] [--count 8] [-q 50]

Takes crops from the pictures whose names match, the same number from each, and measures the whole
set of files: without updates, with one each, and with a shared one whose bytes count once; without
updates also at a higher quality, for the slope of the rate.  Sets that are there already are not
made again.  results/README.md defines the columns.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch

import codec
from codec import EncodeOptions, EncodeResult, Lossy
from codec.picture import reading
from codec.picture.pixels import Pixels
from scripts.measure.tables import read_typed

SPAN = 3.0
"""How much higher the quality is that gives the slope."""


@dataclass(frozen=True)
class Row:
    """A set of files."""

    set: str
    files: int
    quality: float
    arrangement: str
    bytes: int
    update_file_bytes: int
    sharing: int
    psnr_db: float


FORMATS = {"quality": "g", "psnr_db": ".4f"}


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
        return Row(name, len(crops), chosen.quality, arrangement, size, len(update), sharing, psnr)

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
        pixels = reading.load(paths[index % len(paths)])
        top, left = (int(rng.integers(size - side + 1)) for size in pixels.shape[:2])
        crops.append(np.ascontiguousarray(pixels[top : top + side, left : left + side]))
    return crops


def write(path: Path, rows: list[Row]) -> None:
    """Writes a whole file."""
    names = [field.name for field in fields(Row)]
    lines = ["\t".join(names)]
    for row in rows:
        cells = (format(getattr(row, name), FORMATS.get(name, "")) for name in names)
        lines.append("\t".join(cells))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--pattern", default="*")
    parser.add_argument("--set", required=True, metavar="NAME")
    parser.add_argument("--crop", type=int, default=256)
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("-q", "--quality", type=float, default=50)
    parser.add_argument("--out", type=Path, required=True, metavar="TSV")
    args = parser.parse_args()
    rows = read_typed(args.out, Row)
    if any((row.set, row.quality) == (args.set, args.quality) for row in rows):
        return
    torch.set_num_threads(1)
    paths = sorted(args.images.glob(f"{args.pattern}.png"))
    crops = crops_of(paths, args.crop, args.count)
    for row in measure(args.set, crops, EncodeOptions(Lossy(quality=args.quality), effort=1)):
        print(row, flush=True)
        rows.append(row)
    write(args.out, rows)


if __name__ == "__main__":
    main()
