"""What files of few bytes that claim much take: seconds and megabytes.

    python -m scripts conform.costs --out results/0.1.0/bombs.tsv

feeds each of `scripts.conform.bombs` to what reads it, in a process of its own; a table of
docs/hostile-input.md is made of the rows.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bitstream import FormatError
from codec.errors import ImageError
from codec.research.tables import append_row, column
from scripts.conform.bombs import BOMBS
from scripts.conform.fuzz import Meter
from scripts.measure.experiment import DOCS, Experiment, markdown

ACCEPTED = "accepted"


@dataclass(frozen=True)
class CostRow:
    """One input.

    Attributes:
        input: name in `BOMBS`.
        bytes: its length.
        seconds: of processor time, of one thread.
        added_mb: that the process has more at most.
        outcome: "accepted", or the class of the error that refuses it.
    """

    input: str
    bytes: int
    seconds: float = column(".2f")
    added_mb: float = column(".0f")
    outcome: str


def measure(name: str) -> CostRow:
    """Feeds an input."""
    bomb = BOMBS[name]
    data = bomb.make()
    meter, outcome = Meter(), ACCEPTED
    try:
        bomb.feed(data)
    except (FormatError, ImageError) as error:
        outcome = type(error).__name__
    return CostRow(name, len(data), *meter.read(), outcome)


def tables(rows: list[CostRow]) -> Mapping[str, str]:
    """One line per input."""
    lines = []
    for row in rows:
        bomb = BOMBS[row.input]
        end = "" if row.outcome == ACCEPTED else ", refused"
        now = f"{row.seconds:.2f} s, {row.added_mb:.0f} MB{end}"
        lines.append([row.input, f"{row.bytes:,}", bomb.before, now, bomb.test])
    return {"bombs": markdown(("input", "bytes", "before", "now", "test"), lines)}


EXPERIMENT = Experiment(CostRow, "bombs.tsv", DOCS / "hostile-input.md", tables)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.tsv")
    args = parser.parse_args()
    args.out.unlink(missing_ok=True)
    for name in BOMBS:
        with multiprocessing.get_context("fork").Pool(1) as pool:
            row = pool.apply(measure, (name,))
        append_row(args.out, row)
        print(*vars(row).values(), flush=True)


if __name__ == "__main__":
    main()
