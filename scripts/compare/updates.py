"""Compares all ways to make a weight update on the same coded pictures.

    python -m scripts compare.updates --images DIR --qualities 30,65 --content learned \
        --cache DIR --out results/0.1.0/updates.tsv [--every N] [--pictures A,B] [--techniques A,B]

The content of a picture is coded once (kept in --cache); each technique of
codec/contract/techniques.toml then makes its UPDATE payload, the whole file is written and
unpacked, the update is applied as the decoder does, and the 8-bit pixels are measured.  Rows that
are there already are not made again. results/README.md defines the columns.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from bitstream import Container, Tag
from codec.contract.modes import CONTENTS
from codec.contract.quality import centred
from codec.contract.techniques import techniques
from codec.decoding import update
from codec.encoding.adapt import adapt
from codec.networks.pictures import to_pixels
from codec.picture.pixels import psnr_db
from scripts.compare.contents import Coded, coded
from scripts.measure.evaluate import list_images
from scripts.measure.tables import append_typed, read_typed


@dataclass(frozen=True)
class Row:
    """One technique on one coded picture."""

    images: str
    image: str
    content: str
    quality: float
    technique: str
    base_bytes: int
    base_psnr_db: float
    update_bytes: int
    gain_db: float
    rate_percent: float
    search_s: float
    apply_s: float

    @property
    def key(self) -> tuple[str, str, float, str]:
        return self.image, self.content, self.quality, self.technique

    @property
    def case(self) -> tuple[str, str, float]:
        return self.image, self.content, self.quality


FORMATS = {"quality": "g", "base_psnr_db": ".4f", "gain_db": ".4f", "rate_percent": ".3f"}
FORMATS |= {"search_s": ".2f", "apply_s": ".4f"}


@torch.no_grad()
def measure(case: Coded, images: str, content: str, name: str) -> Row:
    """Makes the update, the file, and what the file decodes to."""
    job = replace(case.job, technique=techniques()[name])
    start = time.perf_counter()
    adapted = adapt(job, case.content)
    searched = time.perf_counter()
    container = Container.unpack(case.file(adapted.payload))
    postfilter = job.model.postfilter
    if Tag.UPDATE in container.chunks:
        postfilter = update.apply(container.chunks[Tag.UPDATE], job.model)
    applied = time.perf_counter()
    height, width = job.pixels.shape[:2]
    filtered = postfilter(case.content.unfiltered, centred(job.half))
    pixels = to_pixels(filtered, width, height)
    if not np.array_equal(pixels, adapted.pixels):
        raise RuntimeError(f"{name} does not decode to what it was searched for")
    psnr = psnr_db(pixels, job.pixels)
    return Row(
        images,
        case.name,
        content,
        job.half / 2,
        name,
        case.base.bytes,
        case.base.psnr_db,
        len(adapted.payload),
        psnr - case.base.psnr_db,
        100 * case.rate_change(len(case.file(adapted.payload)), psnr),
        searched - start,
        applied - searched,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take each N-th picture")
    parser.add_argument("--pictures", help="of them only these: names without .png")
    parser.add_argument("--qualities", default="30,65")
    parser.add_argument("--content", choices=CONTENTS, default="learned")
    parser.add_argument("--techniques", default=",".join(techniques()))
    parser.add_argument("--cache", type=Path, default=Path("contents"))
    parser.add_argument("--out", type=Path, required=True, metavar="TSV")
    args = parser.parse_args()
    torch.set_num_threads(1)
    done = {row.key for row in read_typed(args.out, Row)}
    names = args.pictures.split(",") if args.pictures else None
    paths = list_images(args.images)[:: args.every]
    paths = [path for path in paths if not names or path.stem in names]
    for quality in (float(text) for text in args.qualities.split(",")):
        for path in paths:
            wanted = [
                technique
                for technique in args.techniques.split(",")
                if (path.stem, args.content, quality, technique) not in done
            ]
            if not wanted:
                continue
            case = coded(path, args.content, quality, args.cache)
            for technique in wanted:
                row = measure(case, args.images.name, args.content, technique)
                append_typed(args.out, row, FORMATS)
                print(
                    f"{row.image[:24]:24s} {quality:5g} {technique:18s} {row.update_bytes:5d} B "
                    f"{row.gain_db:+.3f} dB {row.rate_percent:+.2f} %",
                    flush=True,
                )


if __name__ == "__main__":
    main()
