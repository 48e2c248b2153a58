r"""The report on Kodak, by one command: measures all codecs, then draws and compares.

    python scripts/benchmark_kodak.py --images kodak --anchors anchors --out results/0.1.0

Rows that are in the tables already are kept, so the command carries on from where it was stopped.
To share the work, run it with different --codecs at the same time, and then once without: with
--codecs it measures only.  From all tables in the folder it then makes

    kodak-rd.png, kodak-ssimulacra2.png, ...   curves of each metric, published ones dashed
    kodak-published.tsv                        BD-rate against published curves
    README.md, docs/kodak.md                   the tables in them, by scripts/measure/documents.py
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from codec.picture.metrics import METRICS
from codec.research.arguments import experiment_parser, list_images, numbers
from codec.research.bdrate import bd_rate
from codec.research.codecs import BASELINE_NAMES, Coder, CoderError, NncodecCoder, baseline
from codec.research.curves import (
    CurveError,
    RateCurve,
    is_measured,
    over_common_images,
    read_curves,
)
from codec.research.evaluate import DEFAULT_EFFORT, evaluate
from codec.research.plot import draw
from codec.research.tables import TableError
from scripts.measure import documents

PREFIX = "kodak"
QUALITIES = {
    "nncodec": (10.0, 35.0, 65.0, 90.0),
    "jpeg": (5.0, 10.0, 20.0, 30.0, 50.0, 70.0, 80.0, 90.0),
    "webp": (5.0, 20.0, 40.0, 60.0, 75.0, 85.0, 92.0, 97.0),
    "avif": (10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0),
    "avif-speed1": (10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0),
    "avif-default": (20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0),
    "jpegli": (10.0, 25.0, 40.0, 55.0, 70.0, 80.0, 90.0, 95.0),
    "jxl": (10.0, 25.0, 40.0, 55.0, 70.0, 80.0, 88.0, 93.0),
}
PUBLISHED = "kodak_published.json"
DRAWN = ("bpg_444", "mbt2018_mean", "vtm", "elic2022", "cool_chic_5.0")
"""Published curves that the plot has room for; the table has all."""


@dataclass(frozen=True)
class Task:
    """A codec and the table of its rows."""

    coder: Coder
    table: str
    qualities: tuple[float, ...]


def main() -> int:
    """Returns the exit status."""
    parser = argument_parser()
    args = parser.parse_args()
    try:
        paths = list_images(args.images, args.every)
        for task in tasks(args):
            evaluate(paths, task.coder, task.qualities, args.out / task.table)
        if not args.codecs:
            write_report(args.out, args.anchors)
    except (CoderError, CurveError, TableError, ImportError, OSError, ValueError) as error:
        print(f"benchmark_kodak: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # the rows measured so far are in the tables
        return 130
    return 0


def argument_parser() -> argparse.ArgumentParser:
    parser = experiment_parser(__doc__)
    parser.add_argument("--anchors", type=Path, metavar="DIR", help=f"has {PUBLISHED}")
    parser.add_argument(
        "--codecs", nargs="+", choices=("nncodec", *BASELINE_NAMES), help="measure only these"
    )
    parser.add_argument(
        "--efforts",
        type=int,
        nargs="+",
        default=[0, DEFAULT_EFFORT],
        metavar="N",
        help=f"of nncodec (default: 0 {DEFAULT_EFFORT})",
    )
    parser.add_argument("--qualities", type=numbers, metavar="Q,Q,...", help="of nncodec")
    return parser


def tasks(args: argparse.Namespace) -> list[Task]:
    """What is to be measured: the peers, each effort, and the default one without update too."""
    names = args.codecs or (*BASELINE_NAMES, "nncodec")
    found = [
        Task(baseline(name), f"{PREFIX}-{name}.tsv", QUALITIES[name])
        for name in names
        if name != "nncodec"
    ]
    if "nncodec" in names:
        qualities = args.qualities or QUALITIES["nncodec"]
        coders = [NncodecCoder(effort) for effort in sorted(set(args.efforts))]
        if DEFAULT_EFFORT in args.efforts:
            coders.append(NncodecCoder(DEFAULT_EFFORT, "none"))
        found += [Task(coder, table_name(coder), qualities) for coder in coders]
    return found


def table_name(coder: Coder) -> str:
    """The default effort has the plain name."""
    effort = "" if coder.effort == str(DEFAULT_EFFORT) else f"-effort{coder.effort}"
    return f"{PREFIX}-{coder.name}{effort}.tsv"


def write_report(folder: Path, anchors: Path | None) -> None:
    """Plots, comparisons and documents from the tables of a folder."""
    names = (*documents.OURS.values(), *documents.PEERS.values())
    tables = [path for name in names if (path := folder / f"{PREFIX}-{name}").exists()]
    published = read_published(anchors) if anchors else []
    for metric in METRICS:
        measured = [path for path in tables if is_measured(path, metric)]
        own = over_common_images([c for path in measured for c in read_curves(str(path), metric)])
        shown = [curve for name, curve, _ in published if name in DRAWN and metric == "psnr_db"]
        if own:
            draw(own + shown, metric).savefig(folder / picture_name(metric), dpi=150)
    own_table = folder / f"{PREFIX}-nncodec.tsv"
    if published and own_table.exists():
        write_published(folder, published, own_table)
    documents.fill_documents(folder)


def picture_name(metric: str) -> str:
    """PSNR is what rate-distortion curves have where nothing else is said."""
    return f"{PREFIX}-{'rd' if metric == 'psnr_db' else metric.replace('_', '-')}.png"


def read_published(anchors: Path) -> list[tuple[str, RateCurve, str]]:
    """Name, curve and source of each published codec."""
    path = anchors / PUBLISHED
    entries = json.loads(path.read_text(encoding="utf-8"))
    return [
        (name, read_curves(f"{path}:{name}", "psnr_db")[0], entry["source"])
        for name, entry in entries.items()
    ]


def write_published(
    folder: Path, published: list[tuple[str, RateCurve, str]], own_table: Path
) -> None:
    """BD-rates of our default effort against each published curve, as a table."""
    (own,) = read_curves(str(own_table), "psnr_db")
    lines = ["codec\tbd_rate_percent\tsource"]
    for name, curve, source in published:
        rate = bd_rate(list(curve.points), list(own.points))
        lines.append(f"{name}\t{rate:.2f}\t{source}")
    (folder / documents.PUBLISHED_TABLE).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
