r"""Measures every effort level, and fills the table of docs/effort.md.

    python scripts/effort_table.py --images DIR --out results/0.1.0/effort.tsv

A row is written as soon as it is measured and never measured twice: the same command carries on
from where it was stopped.  The table has the levels that were measured completely.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bdrate import bd_rate
from coders import CoderError, NncodecCoder
from curves import CurveError, over_common_images, read_curve
from evaluate import evaluate, list_images, parse_qualities
from report import fill, markdown
from rows import Row, TableError

from codec.effort import effort_at
from codec.options import EFFORT_MAX

DOCUMENT = Path("docs/effort.md")
QUALITIES = (15.0, 35.0, 55.0, 75.0)


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.tsv")
    parser.add_argument("--levels", type=int, nargs="+", default=range(EFFORT_MAX + 1), metavar="N")
    parser.add_argument("--qualities", type=parse_qualities, default=QUALITIES, metavar="Q,Q,...")
    parser.add_argument("--document", type=Path, default=DOCUMENT, metavar="FILE.md")
    args = parser.parse_args()
    try:
        paths = list_images(args.images)
        rows = {
            level: evaluate(paths, NncodecCoder(level, update=True), args.qualities, args.out)
            for level in sorted({0, *args.levels})
        }
        text = args.document.read_text(encoding="utf-8")
        text = fill(text, "effort", effort_table(args.out, rows))
        args.document.write_text(text, encoding="utf-8")
    except (CoderError, CurveError, TableError, ImportError, OSError) as error:
        print(f"effort_table: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # the rows measured so far are in the file
        return 130
    return 0


def effort_table(table: Path, rows: dict[int, list[Row]]) -> str:
    """One line per level: what it adds, seconds per megapixel, BD-rate against level 0."""
    curves = [read_curve(f"{table}:nncodec:{level}", "psnr_db") for level in rows]
    base, *_ = curves = over_common_images(curves)
    cells = [
        [
            str(level),
            effort_at(level).adds,
            f"{seconds_per_megapixel(measured):.1f}",
            f"{bd_rate(list(base.points), list(curve.points)):+.1f} %" if level else "",
        ]
        for (level, measured), curve in zip(rows.items(), curves, strict=True)
    ]
    return markdown(["level", "adds", "seconds per megapixel", "BD-rate"], cells)


def seconds_per_megapixel(rows: list[Row]) -> float:
    """Of encoding."""
    return 1e6 * sum(row.enc_s for row in rows) / sum(row.width * row.height for row in rows)


if __name__ == "__main__":
    sys.exit(main())
