"""The tables of documents: ours against other codecs, from all of results/."""

from __future__ import annotations

import errno
import math
import os
import re
import statistics
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path

from bitstream import Container, Header, Tag
from codec.picture.metrics import METRICS
from codec.research.bdrate import bd_rate, log_rate, spread
from codec.research.curves import is_measured, over_common_images, read_curve
from codec.research.evaluate import mean
from codec.research.tables import Row, TableError, read_rows
from scripts.measure.experiment import fill, markdown

DOCUMENTS = (Path("README.md"), Path("docs/results.md"), Path("docs/kodak.md"))
PUBLISHED_TABLE = "kodak-published.tsv"
DATA_SETS = {"Kodak": "kodak", "CID22 validation": "cid22_val"}
OURS = {
    "effort 9": "nncodec-effort9.tsv",
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
    "JPEG by jpegli": "jpegli.tsv",
    "WebP": "webp.tsv",
    "AVIF 4:4:4": "avif-speed1.tsv",
    "AVIF 4:4:4, own tune": "avif-default.tsv",
    "JPEG XL": "jxl.tsv",
}


COMPARED = ("psnr_db", "ssimulacra2")
"""Metrics of the first table: what we search for, and what people see."""
MISSING = "–"


def compare(anchor: Path, test: Path, metric: str = "psnr_db") -> str:
    """BD-rate of the curves of means, or a dash where a file is missing, or that metric in it."""
    if not all(path.exists() and is_measured(path, metric) for path in (anchor, test)):
        return MISSING
    curves = [read_curve(str(path), metric) for path in (anchor, test)]
    first, second = over_common_images(curves)
    points = (spread(curve.points, metric) for curve in (first, second))
    return f"{bd_rate(*points):+.1f} %"


def bd_table(folder: Path) -> str:
    """BD-rate of our settings against every peer that is there, on every data set."""
    peers = {
        name: file
        for name, file in PEERS.items()
        if any((folder / f"{prefix}-{file}").exists() for prefix in DATA_SETS.values())
    }
    rows = []
    choices = product(DATA_SETS.items(), OURS.items(), COMPARED)
    for (data_set, prefix), (name, file), metric in choices:
        ours = folder / f"{prefix}-{file}"
        rates = [compare(folder / f"{prefix}-{peer}", ours, metric) for peer in peers.values()]
        if {*rates} != {MISSING}:
            rows.append([data_set, name, METRICS[metric].label, *rates])
    heads = ["images", "nncodec", "at equal", *(f"against {peer}" for peer in peers)]
    return markdown(heads, rows)


FRONT = {
    "JPEG": "jpeg.tsv",
    "WebP": "webp.tsv",
    "JPEG XL": "jxl.tsv",
    "AVIF": "avif-speed1.tsv",
    "nncodec, effort 0": OURS["effort 0"],
    "nncodec, default effort": OURS["default effort"],
    "nncodec, effort 9": OURS["effort 9"],
}
FRONT_QUALITIES = (("psnr_db", 34.0), ("ssimulacra2", 70.0))
"""Where codecs are compared in the first table: what is often called good quality."""


def front_table(folder: Path) -> str:
    """Bytes of a Kodak picture at equal quality, and seconds; columns of what was measured."""
    paths = {name: folder / f"kodak-{file}" for name, file in FRONT.items()}
    paths = {name: path for name, path in paths.items() if path.exists()}
    if not paths:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
    qualities = [
        (metric, value)
        for metric, value in FRONT_QUALITIES
        if all(is_measured(path, metric) for path in paths.values())
    ]
    rows = []
    for name, path in paths.items():
        sizes = (bytes_at(path, metric, value) for metric, value in qualities)
        seconds = (f"{mean(read_rows(path), column):.2g}" for column in ("enc_s", "dec_s"))
        rows.append([name, *sizes, *seconds])
    heads = (f"bytes at {METRICS[metric].label} {value:g}" for metric, value in qualities)
    return markdown(["codec", *heads, "encode (s)", "decode (s)"], rows)


def bytes_at(path: Path, metric: str, value: float) -> str:
    """Length of a file of that quality, on the curve of means; a dash beyond its ends."""
    points = spread(read_curve(str(path), metric).points, metric)
    row = read_rows(path)[0]
    log_bpp = float(log_rate(points)(METRICS[metric].spread(value)))
    if math.isnan(log_bpp):
        return MISSING
    return f"{math.exp(log_bpp) * row.width * row.height / 8:,.0f}"


def update_table(folder: Path) -> str:
    """What the weight update gains, all bytes counted."""
    lines = ["| images | search | BD-rate of the update | files with an update | bytes (mean) |"]
    lines.append("|---|---|---|---|---|")
    for data_set, prefix in (DATA_SETS | {"out of domain": "out_of_domain"}).items():
        for search, names in UPDATES.items():
            without, with_update = (folder / f"{prefix}-{name}" for name in names)
            gain = compare(without, with_update)
            if gain != MISSING:
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
    """Means on Kodak per quality, by the metrics that the rows have."""
    path = folder / "kodak-nncodec.tsv"
    rows, metrics = read_rows(path), [name for name in METRICS if is_measured(path, name)]
    cells = []
    for quality in sorted({row.quality for row in rows}):
        chosen = [row for row in rows if row.quality == quality]
        figures = (f"{mean(chosen, name):.{METRICS[name].decimals}f}" for name in metrics)
        bpp, enc_s, dec_s = (mean(chosen, name) for name in ("bpp", "enc_s", "dec_s"))
        cells.append([f"{quality:g}", f"{bpp:.3f}", *figures, f"{enc_s:.1f}", f"{dec_s:.2f}"])
    labels = (METRICS[name].heading for name in metrics)
    return markdown(["quality", "bpp", *labels, "encode (s)", "decode (s)"], cells)


def seconds_table(folder: Path) -> str:
    """Mean seconds of every codec on Kodak, over all its qualities."""
    rows = []
    for name, file in (OURS | PEERS).items():
        path = folder / f"kodak-{file}"
        if path.exists():
            measured = read_rows(path)
            label = f"nncodec, {name}" if name in OURS else name
            seconds = (f"{mean(measured, column):.2f}" for column in ("enc_s", "dec_s"))
            rows.append([label, *seconds, measured[0].version])
    return markdown(["codec", "encode (s)", "decode (s)", "version"], rows)


def parts_table(folder: Path) -> str:
    """Mean bytes of each part of our files on Kodak, per quality."""
    rows = read_rows(folder / "kodak-nncodec.tsv")
    cells = []
    for quality in sorted({row.quality for row in rows}):
        parts = [parts_of(row) for row in rows if row.quality == quality]
        means = (statistics.mean(column) for column in zip(*parts, strict=True))
        cells.append([f"{quality:g}", *(f"{value:,.1f}" for value in means)])
    heads = ["quality", "header and checksum", "content", "update", "update of the prior"]
    return markdown(heads, cells)


def parts_of(row: Row) -> tuple[int, int, int, int]:
    """Bytes of framing, content and both updates of a row's file; the format frames them."""
    header = Header(row.width, row.height, round(2 * row.quality), bytes(4))
    update = row.update_bytes - row.prior_bytes
    updates = {Tag.UPDATE: bytes(update), Tag.PRIOR: bytes(row.prior_bytes)}
    chunks = {tag: payload for tag, payload in updates.items() if payload}
    content = row.bytes - row.update_bytes
    while True:  # the length of a payload is part of the framing
        framing = len(Container(header, chunks | {Tag.CONTENT: bytes(content)}).pack())
        framing -= content + row.update_bytes
        if framing + content + row.update_bytes <= row.bytes:
            framing = row.bytes - content - row.update_bytes
            return framing, content, update, row.prior_bytes
        content -= 1


def published_table(folder: Path) -> str:
    """BD-rates against published curves, as scripts/benchmark_kodak.py computed them."""
    _, *lines = (folder / PUBLISHED_TABLE).read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    cells = [[name, f"{float(rate):+.1f} %", source] for name, rate, source in rows]
    return markdown(["published curve", "nncodec against it", "source"], cells)


TABLES: dict[str, Callable[[Path], str]] = {
    "front": front_table,
    "bd-rates": bd_table,
    "update": update_table,
    "standard": standard_table,
    "points": points_table,
    "seconds": seconds_table,
    "parts": parts_table,
    "published": published_table,
}


def fill_documents(folder: Path) -> None:
    """Writes all tables into all documents that have a place for them."""
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for name in re.findall(r"<!-- begin ([\w-]+) -->", text):
            if name not in TABLES:
                raise TableError(f"{document}: there is no table {name}")
            try:
                text = fill(text, name, TABLES[name](folder))
            except FileNotFoundError as error:
                print(f"documents: {document}: {name} needs {error.filename}", file=sys.stderr)
        document.write_text(text, encoding="utf-8")
