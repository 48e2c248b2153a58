"""Fills the tables of docs/weight-update.md from results/.

    python -m scripts compare.report_updates results/0.1.0

Replaces what stands between `<!-- begin NAME -->` and `<!-- end NAME -->`.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from codec.contract.techniques import techniques
from scripts.compare.updates import Row
from scripts.measure.documents import fill, markdown
from scripts.measure.shared import SPAN, rate_percent
from scripts.measure.shared import Row as SharedRow
from scripts.measure.tables import read_table, read_typed

DOCUMENT = Path("docs/weight-update.md")


def technique_table(rows: list[Row], names: list[str]) -> str:
    """Means per technique and set of pictures, over the cases that all the techniques have."""
    shared = set.intersection(*({r.case for r in rows if r.technique == name} for name in names))
    chosen = [row for row in rows if row.case in shared]
    groups = sorted({(row.images, row.quality) for row in chosen})
    heads = [f"{images}, q {quality:g}" for images, quality in groups]
    lines = []
    for name in names:
        mine = [row for row in chosen if row.technique == name]
        cells = []
        for group in groups:
            part = [row for row in mine if (row.images, row.quality) == group]
            rate, gain, size = (
                statistics.mean(getattr(row, column) for row in part)
                for column in ("rate_percent", "gain_db", "update_bytes")
            )
            cells.append(f"{rate:+.2f} % ({gain:+.3f} dB, {size:.0f} B)")
        sent = f"{sum(row.update_bytes > 0 for row in mine)} of {len(mine)}"
        seconds = f"{statistics.median(row.search_s for row in mine):.1f}"
        lines.append([f"`{name}`", *cells, sent, seconds])
    return markdown(["technique", *heads, "sent", "search (s)"], lines)


def parts_table(path: Path) -> str:
    """Mean saving and bits of every variant."""
    rows = read_table(path)
    cases = len({(row["image"], row["quality"]) for row in rows})
    lines = []
    for part, variant in dict.fromkeys((row["part"], row["variant"]) for row in rows):
        mine = [row for row in rows if (row["part"], row["variant"]) == (part, variant)]
        saving = statistics.mean(float(row["saved_percent"]) for row in mine)
        size = statistics.mean(float(row["bits"]) for row in mine) / 8
        lines.append([part, variant, f"{saving:.2f} %", f"{size:.0f}"])
    return markdown(["part", "variant", f"saving (mean of {cases})", "bytes"], lines)


def prior_table(path: Path) -> str:
    """What updates of the prior save, by set of pictures and quality."""
    rows = read_table(path)
    groups = list(dict.fromkeys((row["images"], row["quality"]) for row in rows))
    lines = []
    for variant in dict.fromkeys(row["variant"] for row in rows):
        cells = []
        for group in groups:
            part = [
                row
                for row in rows
                if row["variant"] == variant and (row["images"], row["quality"]) == group
            ]
            saved = statistics.mean(
                int(row["saved_bytes"]) / int(row["content_bytes"]) for row in part
            )
            size = statistics.mean(int(row["update_bytes"]) for row in part)
            cells.append(f"{saved:.2%} ({size:.0f} B)")
        lines.append([variant, *cells])
    heads = [f"{images}, q {float(quality):g}" for images, quality in groups]
    return markdown(["subspace", *heads], lines)


def coders_table(path: Path) -> str:
    """Mean bytes of ours and the peer's."""
    rows = read_table(path)
    lines = []
    for title, ours, peer in (
        ("the change that our update decodes to", "ours_bytes", "peer_same_change_bytes"),
        ("the least-squares change", "ours_bytes", "peer_least_squares_bytes"),
        ("the same levels, of `last-layer`", "ours_levels_bytes", "peer_levels_bytes"),
    ):
        pairs = [(int(row[ours]), int(row[peer])) for row in rows if row[peer]]
        first, second = (statistics.mean(column) for column in zip(*pairs, strict=True))
        figures = f"{first:.0f}", f"{second:.0f}", f"{1 - first / second:.0%}"
        lines.append([title, str(len(pairs)), *figures])
    heads = ["what the standard's software codes", "pictures", "ours (B)", "its (B)", "less"]
    return markdown(heads, lines)


def shared_table(rows: list[SharedRow]) -> str:
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


def meta_table(path: Path) -> str:
    """Ways of training the filter, after the same time."""
    rows = read_table(path)
    lines = []
    for row in rows:
        shares = [f"{float(row[name]):.2f} %" for name in ("without_update", "saving", "cost")]
        lines.append([row["training"], row["steps"], *shares])
    heads = ["training", "steps", "errors without update", "update saves", "left"]
    return markdown(heads, lines)


def compressible_table(path: Path) -> str:
    """Whole networks trained to be small."""
    rows = read_table(path)
    lines = []
    for row in rows:
        zeros = f"{float(row['zeros_percent']):.0f} %"
        lines.append([row["training"], row["step"], row["bytes"], zeros, row["squared_error"]])
    return markdown(["training", "step (rms)", "bytes", "zeros", "squared error"], lines)


def seconds_table(path: Path) -> str:
    """Both entropy coders on 20,000 parameters."""
    rows = read_table(path)
    lines = []
    for row in rows:
        times = row["encode_ms"], row["decode_ms"]
        lines.append([row["coder"], f"{row['nonzero_percent']} %", row["bytes"], *times])
    return markdown(["coder", "not zero", "bytes", "encode (ms)", "decode (ms)"], lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="RESULTS")
    folder = parser.parse_args().folder
    tables = {
        "update-parts": parts_table(folder / "update-parts.tsv"),
        "prior-updates": prior_table(folder / "prior-updates.tsv"),
        "update-coders": coders_table(folder / "update-coders.tsv"),
        "shared-updates": shared_table(read_typed(folder / "shared-updates.tsv", SharedRow)),
        "update-coding-seconds": seconds_table(folder / "update-coding-seconds.tsv"),
        "meta-training": meta_table(folder / "meta-training.tsv"),
        "compressible-training": compressible_table(folder / "compressible-training.tsv"),
    }
    rows = read_typed(folder / "updates.tsv", Row)
    for content in dict.fromkeys(row.content for row in rows):
        mine = [row for row in rows if row.content == content]
        tried = [name for name in techniques() if any(row.technique == name for row in mine)]
        closed = [name for name in tried if techniques()[name].loss is None]
        tables[f"updates-{content}-closed"] = technique_table(mine, closed)
        tables[f"updates-{content}-all"] = technique_table(mine, tried)
    text = DOCUMENT.read_text(encoding="utf-8")
    for name, table in tables.items():
        text = fill(text, name, table)
    DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
