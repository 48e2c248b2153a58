"""Compares all ways to make a weight update on the same coded pictures.

    python -m scripts compare.updates --images DIR --cache DIR --out results/0.1.0/updates.tsv

The content of a picture is coded once (kept in --cache); each technique of
codec/contract/techniques.toml then makes its UPDATE payload, the whole file is written and
unpacked, the update is applied as the decoder does, and the 8-bit pixels are measured.  Fills the
tables of docs/weight-update.md; results/README.md defines the columns.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from bitstream import Container, Tag
from codec.contract.contents import CONTENTS
from codec.contract.quality import centred
from codec.contract.techniques import techniques
from codec.decoding import update
from codec.encoding.adapt import adapt
from codec.networks.pictures import to_pixels
from codec.networks.twins import changed
from codec.picture.pixels import psnr_db
from codec.research.arguments import experiment_parser, list_images, numbers
from codec.research.tables import column
from scripts.compare.contents import Coded, coded
from scripts.measure.experiment import DOCS, Experiment, markdown


@dataclass(frozen=True)
class Row:
    """One technique on one coded picture."""

    images: str
    image: str
    content: str
    quality: float = column("g")
    technique: str
    base_bytes: int
    base_psnr_db: float = column(".4f")
    update_bytes: int
    gain_db: float = column(".4f")
    rate_percent: float = column(".3f")
    search_s: float = column(".2f")
    apply_s: float = column(".4f")

    @property
    def case(self) -> tuple[str, str, float]:
        return self.image, self.content, self.quality


@torch.no_grad()
def measure(case: Coded, images: str, content: str, name: str) -> Row:
    """Makes the update, the file, and what the file decodes to."""
    task = replace(case.task, technique=techniques()[name])
    start = time.perf_counter()
    adapted = adapt(task, case.content)
    searched = time.perf_counter()
    container = Container.unpack(case.file(adapted.payload))
    postfilter = task.model.postfilter
    if Tag.UPDATE in container.chunks:
        layers = update.apply(container.chunks[Tag.UPDATE], task.model)
        postfilter = changed(postfilter, layers)
    applied = time.perf_counter()
    height, width = task.pixels.shape[:2]
    filtered = postfilter(case.content.unfiltered, centred(task.half))
    pixels = to_pixels(filtered, width, height)
    if not np.array_equal(pixels, adapted.pixels):
        raise RuntimeError(f"{name} does not decode to what it was searched for")
    psnr = psnr_db(pixels, task.pixels)
    return Row(
        images,
        case.name,
        content,
        task.half / 2,
        name,
        case.base.bytes,
        case.base.psnr_db,
        len(adapted.payload),
        psnr - case.base.psnr_db,
        100 * case.rate_change(len(case.file(adapted.payload)), psnr),
        searched - start,
        applied - searched,
    )


def technique_table(rows: list[Row], names: list[str]) -> str:
    """Means per technique and set of pictures, over the cases that all the techniques have."""
    shared = set.intersection(*({r.case for r in rows if r.technique == name} for name in names))
    chosen = [row for row in rows if row.case in shared]
    groups = sorted({(row.images, row.quality) for row in chosen})
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
    heads = [f"{images}, q {quality:g}" for images, quality in groups]
    return markdown(["technique", *heads, "sent", "search (s)"], lines)


def tables(rows: list[Row]) -> Iterator[tuple[str, str]]:
    """For each content, of the techniques in closed form, and of all."""
    for content in dict.fromkeys(row.content for row in rows):
        mine = [row for row in rows if row.content == content]
        tried = [name for name in techniques() if any(row.technique == name for row in mine)]
        closed = [name for name in tried if techniques()[name].loss is None]
        yield f"updates-{content}-closed", technique_table(mine, closed)
        yield f"updates-{content}-all", technique_table(mine, tried)


EXPERIMENT = Experiment(
    Row, "updates.tsv", DOCS / "weight-update.md", lambda rows: dict(tables(rows))
)


def main() -> None:
    parser = experiment_parser(__doc__)
    parser.add_argument("--pictures", metavar="A,B", help="only these: names without .png")
    parser.add_argument("--qualities", type=numbers, default=(30.0, 65.0), metavar="Q,Q")
    parser.add_argument("--content", choices=CONTENTS, default="learned")
    parser.add_argument("--techniques", default=",".join(techniques()), metavar="A,B")
    parser.add_argument("--cache", type=Path, default=Path("contents"), metavar="DIR")
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = EXPERIMENT.open(args.out)
    names = args.pictures.split(",") if args.pictures else None
    paths = [p for p in list_images(args.images, args.every) if not names or p.stem in names]
    for quality in args.qualities:
        for path in paths:
            case = {"image": path.stem, "content": args.content, "quality": quality}
            lacking = [n for n in args.techniques.split(",") if rows.lack(**case, technique=n)]
            if lacking:
                picture = coded(path, args.content, quality, args.cache)
                for name in lacking:
                    rows.add([measure(picture, args.images.name, args.content, name)])
    rows.fill()


if __name__ == "__main__":
    main()
