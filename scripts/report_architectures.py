"""Fills the tables of docs/architecture.md.

    python scripts/report_architectures.py results/0.1.0

Replaces what stands between `<!-- begin NAME -->` and `<!-- end NAME -->`: the cost of the released
network by part, and what `scripts/compare_architectures.py` measured.
"""

from __future__ import annotations

import argparse
import math
from contextlib import suppress
from pathlib import Path

from architectures import VARIANTS
from bdrate import common_range
from compare_architectures import Row, read
from complexity import costs, parts_of
from curves import CurveError
from report import fill, markdown

from codec import weights

DOCUMENT = Path("docs/architecture.md")
TABLE = "architecture.tsv"
ANCHOR = "released"
PSNRS_DB = (27, 36)
"""Where rates are compared beside the BD-rate: near the ends of the curves."""
LEAST_COMMON_DB = 3.0
"""Curves that share less have no BD-rate to speak of."""


def parts_table() -> str:
    """Cost of each part of the released network, and of the decoder."""
    found = costs(parts_of(weights.load_default("learned").config))
    rows = [[name, f"{cost.kmac:.2f}", f"{cost.parameters:,}"] for name, cost in found.items()]
    return markdown(["part", "kMAC/pixel", "parameters"], rows)


def variants_table(rows: dict[str, Row]) -> str:
    """One line per variant that was measured, in the order of VARIANTS."""
    anchor = rows[ANCHOR]
    cells = []
    for name, variant in VARIANTS.items():
        if row := rows.get(name):
            cost = f"{row.decoder_kmac:.1f}", f"{row.decoder_parameters / 1e6:.2f}"
            result = f"{row.loss:.2f}", *rates(row, anchor)
            cells.append([variant.part, variant.text, *cost, str(row.steps), *result])
    heads = ["part", "variant", "kMAC/pixel", "parameters (M)", "steps", "loss", "BD-rate"]
    return markdown([*heads, *(f"at {psnr_db} dB" for psnr_db in PSNRS_DB)], cells)


def rates(row: Row, anchor: Row) -> list[str]:
    """Cells: BD-rate against the anchor, and rates at equal PSNR; dashes where they don't meet."""
    values = [math.nan]
    with suppress(CurveError):
        low, high = common_range(anchor.curve, row.curve)
        if high - low > LEAST_COMMON_DB:
            values = [row.rate_against(anchor)]
    values += [row.rate_at(psnr_db, anchor) for psnr_db in PSNRS_DB]
    return ["–" if math.isnan(value) else f"{value:+.1f} %" for value in values]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="RESULTS")
    folder = parser.parse_args().folder
    text = DOCUMENT.read_text(encoding="utf-8")
    text = fill(text, "architecture-parts", parts_table())
    text = fill(text, "architecture", variants_table(read(folder / TABLE)))
    DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
