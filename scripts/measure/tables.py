r"""Copies the rows of one effort into another table.

    python -m scripts measure.tables --table results/0.1.0/effort.tsv --effort 5 \
        --out results/0.1.0/kodak-nncodec.tsv

Rows that are there already are left alone: what was measured once is not measured again for the
reports that want it by itself, or together with more qualities.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from codec.research.tables import TableError, append_row, read_rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--table", type=Path, required=True, metavar="FILE.tsv")
    parser.add_argument("--effort", required=True, metavar="N")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.tsv")
    args = parser.parse_args()
    try:
        rows = [row for row in read_rows(args.table) if row.effort == args.effort]
        done = {row.key for row in read_rows(args.out)} if args.out.exists() else set()
    except (TableError, OSError) as error:
        raise SystemExit(f"tables: {error}") from None
    if not rows:
        raise SystemExit(f"tables: {args.table}: no rows of effort {args.effort}")
    for row in sorted(rows, key=lambda row: row.key):
        if row.key not in done:
            append_row(args.out, row)


if __name__ == "__main__":
    main()
