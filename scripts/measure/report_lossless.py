"""Fills the tables of docs/lossless.md from results/.

    python -m scripts measure.report_lossless results/0.1.0

Replaces what stands between `<!-- begin NAME -->` and `<!-- end NAME -->`; a table whose rows are
not there stays as it is.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from scripts.measure.documents import fill, markdown, mean
from scripts.measure.tables import read_rows, read_table

DOCUMENT = Path("docs/lossless.md")
SETS = ("kodak", "cid22_val", "out_of_domain")
SELECTIONS = "lossless-selections.tsv"


def formats_table(path: Path) -> str:
    """Means of every format over the pictures that all of them have."""
    rows = read_rows(path)
    keys = list(dict.fromkeys((row.codec, row.effort) for row in rows))
    shared = set.intersection(
        *({row.image for row in rows if (row.codec, row.effort) == key} for key in keys)
    )
    cells = []
    for codec, effort in keys:
        mine = [
            row
            for row in rows
            if (row.codec, row.effort) == (codec, effort) and row.image in shared
        ]
        figures = (f"{mean(mine, 'bpp'):.3f}", f"{mean(mine, 'update_bytes'):.0f}")
        seconds = (f"{mean(mine, name):.1f}" for name in ("enc_s", "dec_s"))
        cells.append([f"{codec} {effort}", *figures, *seconds, str(len(mine)), mine[0].version])
    times = ["encode (s)", "decode (s)"]
    heads = ["format, effort", "bpp", "update (B)", *times, "pictures", "version"]
    return markdown(heads, cells)


def selections_table(path: Path) -> str:
    """Mean saving of every selection."""
    rows = read_table(path)
    cells = []
    for name in dict.fromkeys(row["selection"] for row in rows):
        mine = [row for row in rows if row["selection"] == name]
        saved = [float(row["saved_bpp"]) for row in mine]
        size = statistics.mean(int(row["update_bytes"]) for row in mine)
        kept = "axes" if name == "subspace" else f"{float(mine[0]['kept']):.0%}"
        figures = (f"{statistics.mean(saved):.3f}", f"{min(saved):.3f}", f"{size:.0f}")
        cells.append([name, kept, *figures, str(len(mine))])
    heads = ["selection", "kept", "saved (bpp)", "least", "update (B)", "pictures"]
    return markdown(heads, cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="RESULTS")
    folder = parser.parse_args().folder
    tables = {f"lossless-{name}": (folder / f"{name}-lossless.tsv", formats_table) for name in SETS}
    tables["lossless-selections"] = (folder / SELECTIONS, selections_table)
    text = DOCUMENT.read_text(encoding="utf-8")
    for name, (path, table) in tables.items():
        if path.exists():
            text = fill(text, name, table(path))
    DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
