"""What each correction of lossless predictions saves, in real bytes of content.

    python -m scripts compare.lossless_stages --images DIR --every 5 \
        --out results/0.1.0/lossless-stages.tsv

Codes the middle of each picture with the update that its file has, and only some of the gains of
`codec/networks/lossless/gains.py`, the others 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import numpy as np
from PIL import Image

from codec.contract.contents import LOSSLESS
from codec.decoding.engines.choice import chosen
from codec.decoding.lossless.coder import encode_pixels
from codec.decoding.lossless.update import heads_of
from codec.encoding.lossless import fit
from codec.models import released
from codec.models.kinds import LosslessModel, as_kind
from codec.networks.lossless import correction
from codec.networks.lossless.gains import GAINS, AllGains, Gains
from codec.research.arguments import experiment_parser, list_images
from codec.research.evaluate import mean
from codec.research.tables import column
from scripts.measure.experiment import DOCS, Experiment, markdown

SIDE_PX = 256
KEPT: dict[str, tuple[str, ...]] = {
    "none": (),
    "scale": ("rest", "near", "seen"),
    "channels before": ("across",),
    "mean": ("across", "move", "drift"),
    "all": ("rest", "near", "seen", "across", "move", "drift"),
}
"""Gains that are not 0."""


@dataclass(frozen=True)
class Row:
    """A picture; see results/README.md."""

    images: str
    image: str
    gains: str
    pixels: int
    content_bytes: int
    bpp: float = column(".4f")


def with_gains(change: Callable[[Gains], Gains]) -> AllGains:
    """All gains, changed."""
    return tuple(tuple(tuple(map(change, steps)) for steps in channels) for channels in GAINS)


def measure(path: Path, model: LosslessModel) -> Iterator[Row]:
    """The rows of a picture."""
    whole = np.array(Image.open(path).convert("RGB"))
    height, width, _ = whole.shape
    top, left = max(0, height - SIDE_PX) // 2, max(0, width - SIDE_PX) // 2
    pixels = np.ascontiguousarray(whole[top : top + SIDE_PX, left : left + SIDE_PX])
    found = fit.fit_heads(pixels, model, thorough=False)
    refine = chosen().refine(model, found.heads if found else heads_of(model))
    count = pixels[..., 0].size
    for name, kept in KEPT.items():

        def change(gains: Gains, kept: tuple[str, ...] = kept) -> Gains:
            return replace(gains, **{each: 0 for each in vars(gains) if each not in kept})

        with mock.patch.object(correction, "GAINS", with_gains(change)):
            size = len(encode_pixels(pixels, refine, model.tables))
        yield Row(path.parent.name, path.stem, name, count, size, 8 * size / count)


def stages_table(rows: list[Row]) -> str:
    """Mean bits per pixel, and what is saved of those without any correction."""
    plain = {row.image: row.bpp for row in rows if row.gains == "none"}
    lines = []
    for name in KEPT:
        mine = [row for row in rows if row.gains == name]
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
