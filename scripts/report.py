"""Fills the tables of README.md from results/.

    python scripts/report.py results/0.1.0

Replaces what stands between `<!-- begin NAME -->` and `<!-- end NAME -->` in README.md.  Nothing in
those tables is typed by hand.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

from bdrate import bd_rate
from curves import CurveError, over_common_images, read_curve
from rows import TableError, read_rows

README = Path("README.md")
DATA_SETS = {"Kodak": "kodak", "CID22 validation": "cid22_val"}
OURS = {
    "default effort": "nncodec.tsv",
    "effort 1": "nncodec-effort1.tsv",
    "effort 0": "nncodec-effort0.tsv",
}
UPDATES = {
    "one pass": ("nncodec-effort0.tsv", "nncodec-effort1.tsv"),
    "default effort": ("nncodec-noupdate.tsv", "nncodec.tsv"),
}
"""Tables without and with the update, everything else equal."""
STANDARD = {"JPEG": "jpeg", "WebP": "webp", "AVIF": "avif"}
PEERS = {
    "JPEG 4:2:0": "jpeg.tsv",
    "WebP": "webp.tsv",
    "AVIF 4:4:4": "avif-speed1.tsv",
}


def compare(anchor: Path, test: Path) -> str:
    """BD-rate of the curves of means, or a dash where a file is missing."""
    if not (anchor.exists() and test.exists()):
        return "–"
    curves = [read_curve(str(path), "psnr_db") for path in (anchor, test)]
    first, second = over_common_images(curves)
    return f"{bd_rate(list(first.points), list(second.points)):+.1f} %"


def bd_table(folder: Path) -> str:
    """BD-rate of our settings against every peer, on every data set."""
    lines = ["| images | nncodec | " + " | ".join(f"against {peer}" for peer in PEERS) + " |"]
    lines.append("|---|---|" + "---|" * len(PEERS))
    for data_set, prefix in DATA_SETS.items():
        for name, file in OURS.items():
            test = folder / f"{prefix}-{file}"
            if not test.exists():
                continue
            cells = [compare(folder / f"{prefix}-{peer}", test) for peer in PEERS.values()]
            lines.append(f"| {data_set} | {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def update_table(folder: Path) -> str:
    """What the weight update gains, all bytes counted."""
    lines = ["| images | search | BD-rate of the update | files with an update | bytes (mean) |"]
    lines.append("|---|---|---|---|---|")
    for data_set, prefix in (DATA_SETS | {"out of domain": "out_of_domain"}).items():
        for search, names in UPDATES.items():
            without, with_update = (folder / f"{prefix}-{name}" for name in names)
            gain = compare(without, with_update)
            if gain != "–":
                lines.append(f"| {data_set} | {search} | {gain} | {sent_updates(with_update)} |")
    return "\n".join(lines)


def sent_updates(path: Path) -> str:
    """Cells: how many files have an update, and the mean of their bytes."""
    sizes = [row.update_bytes for row in read_rows(path)]
    sent = [size for size in sizes if size]
    return f"{len(sent)} of {len(sizes)} | {statistics.mean(sent) if sent else 0:.0f}"


def standard_table(folder: Path) -> str:
    """Standard files that carry an update, against the plain files of the same writer."""
    lines = [
        "| images | file | base filter | with update | worst image "
        "| files with an update | bytes (mean) |",
        "|---|---|---|---|---|---|---|",
    ]
    for data_set, prefix in (DATA_SETS | {"out of domain": "out_of_domain"}).items():
        for name, content in STANDARD.items():
            plain = folder / f"{prefix}-{content}.tsv"
            ours = folder / f"{prefix}-nncodec-{content}.tsv"
            if plain.exists() and ours.exists():
                cells = [
                    compare(plain, folder / f"{prefix}-nncodec-{content}-noupdate.tsv"),
                    compare(plain, ours),
                    f"{worst(plain, ours):+.1f} %",
                    sent_updates(ours),
                ]
                lines.append(f"| {data_set} | {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def worst(anchor: Path, test: Path) -> float:
    """The largest BD-rate of a single image."""
    curves = [read_curve(str(path), "psnr_db") for path in (anchor, test)]
    first, second = over_common_images(curves)
    return max(
        bd_rate(list(first.images[image]), list(second.images[image])) for image in second.images
    )


def points_table(folder: Path) -> str:
    """Means on Kodak per quality."""
    rows = read_rows(folder / "kodak-nncodec.tsv")
    lines = ["| quality | bpp | PSNR (dB) | MS-SSIM | encode (s) | decode (s) |", "|" + "---|" * 6]
    for quality in sorted({row.quality for row in rows}):
        chosen = [row for row in rows if row.quality == quality]

        def mean(name: str, chosen: list = chosen) -> float:
            return statistics.mean(getattr(row, name) for row in chosen)

        lines.append(
            f"| {quality:g} | {mean('bpp'):.3f} | {mean('psnr_db'):.2f} | {mean('ms_ssim'):.4f} "
            f"| {mean('enc_s'):.1f} | {mean('dec_s'):.2f} |"
        )
    return "\n".join(lines)


TABLES: dict[str, Callable[[Path], str]] = {
    "bd-rates": bd_table,
    "update": update_table,
    "standard": standard_table,
    "points": points_table,
}


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="RESULTS")
    folder = parser.parse_args().folder
    text = README.read_text(encoding="utf-8")
    try:
        for name, make in TABLES.items():
            pattern = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
            if not pattern.search(text):
                raise TableError(f"{README} has no place for the table {name}")
            table = make(folder)
            text = pattern.sub(lambda found, t=table: f"{found[1]}{t}\n{found[2]}", text)
    except (TableError, CurveError, OSError) as error:
        print(f"report: {error}", file=sys.stderr)
        return 1
    README.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
