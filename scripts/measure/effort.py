r"""Measures every effort level, and fills the table of docs/effort.md.

    python -m scripts measure.effort --images DIR --out results/0.1.0/effort.tsv

Levels that differ in the number of rounds alone are measured in one search, which passes the file
of each: a level's seconds are those that went by until then.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby, product
from pathlib import Path

from codec.contract.effort import Effort, effort_at
from codec.contract.modes import Lossy
from codec.contract.options import EFFORT_MAX, EncodeOptions
from codec.picture.reading import Raster
from codec.research.arguments import experiment_parser, list_images, numbers
from codec.research.bdrate import bd_rate
from codec.research.codecs import CoderError, NncodecCoder
from codec.research.curves import CurveError, curves_of, over_common_images
from codec.research.evaluate import line_of, load_image, measured
from codec.research.tables import Row, TableError, append_row, read_rows
from scripts.measure.experiment import DOCS, Experiment, fill_document, markdown

DOCUMENT = DOCS / "effort.md"
QUALITIES = (15.0, 35.0, 55.0, 75.0)


def main() -> int:
    """Returns the exit status."""
    parser = experiment_parser(__doc__)
    parser.add_argument("--levels", type=int, nargs="+", default=range(EFFORT_MAX + 1), metavar="N")
    parser.add_argument("--qualities", type=numbers, default=QUALITIES, metavar="Q,Q,...")
    parser.add_argument("--table", default="effort", metavar="NAME", help="in the document")
    parser.add_argument("--document", type=Path, default=DOCUMENT, metavar="FILE.md")
    args = parser.parse_args()
    try:
        paths = list_images(args.images, args.every)
        levels = sorted({0, *args.levels})
        measure_rounds(paths, levels, args.qualities, args.out)
        fill_document(args.document, {args.table: effort_table(read_rows(args.out))})
    except (CoderError, CurveError, TableError, ImportError, OSError) as error:
        print(f"effort: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # the rows measured so far are in the file
        return 130
    return 0


def families(levels: list[int]) -> Iterator[dict[int, NncodecCoder]]:
    """Levels that differ in the number of rounds alone: the coder of each number."""

    def kind(level: int) -> Effort:
        return replace(effort_at(level), rounds=0, adds="")

    for _, alike in groupby(levels, kind):
        yield {effort_at(level).rounds: NncodecCoder(level) for level in alike}


def measure_rounds(
    paths: list[Path], levels: list[int], qualities: tuple[float, ...], out: Path
) -> None:
    """Measures what `out` lacks, in one search for a whole family of levels."""
    done = {row.key for row in read_rows(out)} if out.exists() else set()
    for path, quality, family in product(paths, qualities, families(levels)):
        missing = {
            number: coder
            for number, coder in family.items()
            if (path.stem, coder.name, coder.effort, quality) not in done
        }
        if missing:
            for row in walk(path, quality, missing):
                append_row(out, row)
                print(line_of(row), file=sys.stderr)


def walk(path: Path, quality: float, coders: dict[int, NncodecCoder]) -> Iterator[Row]:
    """Searches once, and measures the file after each round that has a coder."""
    # Here, because torch takes seconds to import and --help needs none of it.
    from codec.encoding import lossy
    from codec.encoding.frame import verify_coded

    raster = Raster(load_image(path))
    start = time.perf_counter()
    effort = int(coders[max(coders)].effort)
    job = lossy.prepare(raster, EncodeOptions(effort=effort), Lossy(quality), None)
    elsewhere = 0.0
    for number, adapted in enumerate(lossy.rounds(job)):
        reached = time.perf_counter()
        if number in coders:
            coded = lossy.coded_as(job, adapted)
            verify_coded(coded)
            seconds = time.perf_counter() - start - elsewhere
            coder = coders[number]
            encoded = coder.encoded(coded)
            yield measured(path.stem, raster.pixels, coder, quality, encoded, seconds)
        elsewhere += time.perf_counter() - reached


def effort_table(rows: list[Row]) -> str:
    """One line per level: what it adds, seconds per megapixel, BD-rate against level 0."""
    base, *others = over_common_images(curves_of(rows, "psnr_db"))
    rates = ["", *(f"{bd_rate(list(base.points), list(c.points)):+.1f} %" for c in others)]
    cells = []
    for level, rate in zip(sorted({int(row.effort) for row in rows}), rates, strict=True):
        mine = [row for row in rows if row.effort == str(level)]
        seconds = f"{seconds_per_megapixel(mine):.1f}"
        cells.append([str(level), effort_at(level).adds, seconds, rate])
    return markdown(["level", "adds", "seconds per megapixel", "BD-rate"], cells)


def seconds_per_megapixel(rows: list[Row]) -> float:
    """Of encoding."""
    return 1e6 * sum(row.enc_s for row in rows) / sum(row.width * row.height for row in rows)


EXPERIMENTS = tuple(
    Experiment(Row, file, DOCUMENT, lambda rows, name=name: {name: effort_table(rows)})
    for file, name in (
        ("effort.tsv", "effort"),
        ("effort-out_of_domain.tsv", "effort-out-of-domain"),
    )
)


if __name__ == "__main__":
    sys.exit(main())
