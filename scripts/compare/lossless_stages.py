"""What each correction of lossless predictions saves, in real bytes of content.

    python -m scripts compare.lossless_stages --images DIR --every 5 \
        --out results/0.1.0/lossless-stages.tsv

Codes the middle of each picture with the update that its file has, and networks of the correction
that have only some of their outputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from codec.contract.contents import LOSSLESS
from codec.decoding.engines.choice import chosen
from codec.decoding.lossless.coder import encode_pixels
from codec.decoding.lossless.update import heads_of
from codec.encoding.lossless import fit
from codec.models import released
from codec.models.kinds import LosslessModel, as_kind
from codec.networks.lossless.corrector import Corrector, cases
from codec.research.arguments import experiment_parser, list_images
from codec.research.evaluate import mean
from codec.research.tables import column
from scripts.measure.experiment import DOCS, Experiment, markdown

SIDE_PX = 256
MEAN, SCALE, ODDS = range(3)
KEPT: dict[str, tuple[int, ...]] = {
    "none": (),
    "scale, odds": (SCALE, ODDS),
    "mean": (MEAN,),
    "all": (MEAN, SCALE, ODDS),
}
"""Outputs of the networks that are not 0."""


@dataclass(frozen=True)
class Row:
    """A picture; see results/README.md."""

    images: str
    image: str
    corrected: str
    pixels: int
    content_bytes: int
    bpp: float = column(".4f")


def with_outputs(model: LosslessModel, kept: tuple[int, ...]) -> LosslessModel:
    """A model that corrects only that."""
    arrays = dict(model.arrays)
    for case in cases():
        for part in ("weight", "bias"):
            name = f"{Corrector.name(case)}.leave.{part}"
            arrays[name] = np.zeros_like(arrays[name])
            arrays[name][list(kept)] = model.arrays[name][list(kept)]
    return replace(model, arrays=arrays)


def measure(path: Path, model: LosslessModel) -> Iterator[Row]:
    """The rows of a picture."""
    whole = np.array(Image.open(path).convert("RGB"))
    height, width, _ = whole.shape
    top, left = max(0, height - SIDE_PX) // 2, max(0, width - SIDE_PX) // 2
    pixels = np.ascontiguousarray(whole[top : top + SIDE_PX, left : left + SIDE_PX])
    found = fit.fit_heads(pixels, model, thorough=False)
    count = pixels[..., 0].size
    for name, kept in KEPT.items():
        heads = found.heads if found else heads_of(model)
        refine = chosen().refine(with_outputs(model, kept), heads)
        size = len(encode_pixels(pixels, refine, model.tables))
        yield Row(path.parent.name, path.stem, name, count, size, 8 * size / count)


def stages_table(rows: list[Row]) -> str:
    """Mean bits per pixel, and what is saved of those without any correction."""
    plain = {row.image: row.bpp for row in rows if row.corrected == "none"}
    lines = []
    for name in KEPT:
        mine = [row for row in rows if row.corrected == name]
        saved = [plain[row.image] - row.bpp for row in mine]
        figures = f"{mean(mine, 'bpp'):.3f}", f"{np.mean(saved):.3f}", f"{min(saved):.3f}"
        lines.append([name, *figures, f"{max(saved):.3f}", str(len(mine))])
    return markdown(["corrected", "bpp", "saved", "least", "most", "pictures"], lines)


EXPERIMENT = Experiment(
    Row,
    "lossless-stages.tsv",
    DOCS / "lossless.md",
    lambda rows: {"lossless-stages": stages_table(rows)},
)


def main() -> None:
    args = experiment_parser(__doc__).parse_args()
    model = as_kind(released.load_default(LOSSLESS), LosslessModel)
    rows = EXPERIMENT.open(args.out)
    for path in list_images(args.images, args.every):
        if rows.lack(images=args.images.name, image=path.stem):
            rows.add(measure(path, model))
    rows.fill()


if __name__ == "__main__":
    main()
