"""Fills the tables of docs/architecture.md.

    python -m scripts compare.report_architectures results/0.1.0

Replaces what stands between `<!-- begin NAME -->` and `<!-- end NAME -->`: the cost of the released
network by part, and what `scripts/compare/architectures.py` measured.
"""

from __future__ import annotations

import argparse
import math
from contextlib import suppress
from pathlib import Path

from codec.models.released import load_default
from codec.networks.learned import ModelConfig
from scripts.compare.architectures import Row, read
from scripts.compare.variants import VARIANTS
from scripts.measure.bdrate import common_range
from scripts.measure.complexity import DECODER, costs, parts_of
from scripts.measure.curves import CurveError
from scripts.measure.documents import fill, markdown

DOCUMENT = Path("docs/architecture.md")
TABLE = "architecture.tsv"
ANCHOR = "released"
PSNRS_DB = (27, 36)
"""Where rates are compared beside the BD-rate: near the ends of the curves."""
LEAST_COMMON_DB = 3.0
"""Curves that share less have no BD-rate to speak of."""


def parts_table(released: ModelConfig) -> str:
    """Cost of each part of the released network, and of the decoder."""
    rows = [
        [name, f"{cost.kmac:.2f}", f"{cost.parameters:,}"]
        for name, cost in costs(parts_of(released)).items()
    ]
    return markdown(["part", "kMAC/pixel", "parameters"], rows)


def variants_table(rows: dict[str, Row], released: ModelConfig) -> str:
    """One line per variant; those that were not measured have their cost alone."""
    cells = []
    for name, variant in VARIANTS.items():
        cost = costs(variant.build(variant.sizes(released)))[DECODER]
        line = [variant.part, variant.text, f"{cost.kmac:.1f}", f"{cost.parameters / 1e6:.2f}"]
        if row := rows.get(name):
            line += [str(row.steps), f"{row.loss:.2f}", *rates(row, rows[ANCHOR])]
        else:
            line += ["not yet", *[""] * (2 + len(PSNRS_DB))]
        cells.append(line)
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
    released = load_default("learned").config
    text = DOCUMENT.read_text(encoding="utf-8")
    text = fill(text, "architecture-parts", parts_table(released))
    text = fill(text, "architecture", variants_table(read(folder / TABLE), released))
    DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
