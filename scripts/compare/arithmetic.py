"""What exact integers cost against floats: the same weights, the same analysis, in both.

    python -m scripts compare.arithmetic --images DIR --out results/0.1.0/arithmetic.tsv

The integer side is a real file at effort 0 and its decoded 8-bit pixels.  The float side rounds the
latents with the float context model, whose probabilities give the rate (an ideal coder's, plus the
file's framing), and rounds the float decoder's picture to 8 bits.  Fills a table of
docs/architecture.md.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass

import torch

import codec
from bitstream import Container, Tag
from codec.contract.quality import level_at
from codec.models import released
from codec.networks.learned import Model
from codec.networks.likelihood import hard_rounding
from codec.networks.order import BLOCK_PX
from codec.networks.pictures import from_pixels, pad_to
from codec.picture import reading as image
from codec.picture.pixels import Pixels, psnr_db
from codec.research.arguments import experiment_parser, list_images, numbers
from codec.research.bdrate import bd_rate
from codec.research.curves import RatePoint
from codec.research.tables import column
from scripts.measure.experiment import DOCS, Experiment, markdown

MULTIPLE = 2 * BLOCK_PX


@dataclass(frozen=True)
class Row:
    """A picture in both."""

    image: str
    quality: float = column("g")
    integer_bytes: int
    integer_psnr_db: float = column(".4f")
    float_bytes: float = column(".1f")
    float_psnr_db: float = column(".4f")


@torch.no_grad()
def in_floats(pixels: Pixels, quality: float, networks: Model) -> tuple[float, Pixels]:
    """Bits of the latents, and the decoded picture."""
    height, width = pixels.shape[:2]
    grid = (-(-side // MULTIPLE) * MULTIPLE for side in (height, width))
    out = networks(
        pad_to(from_pixels(pixels), *grid), level_at(torch.tensor([quality])), hard_rounding
    )
    picture = out.picture[0, :, :height, :width] + 128
    return float(out.latent_bits), picture.round().clamp(0, 255).byte().permute(1, 2, 0).numpy()


def measure(name: str, pixels: Pixels, quality: float, networks: Model) -> Row:
    """A picture at one quality."""
    data = codec.encode(
        pixels, codec.EncodeOptions(codec.Lossy(quality), effort=0, verify=False)
    ).data
    framing = len(data) - len(Container.unpack(data).chunks[Tag.CONTENT])
    bits, picture = in_floats(pixels, quality, networks)
    decoded = psnr_db(codec.decode(data), pixels)
    return Row(name, quality, len(data), decoded, bits / 8 + framing, psnr_db(picture, pixels))


def arithmetic_table(rows: list[Row]) -> str:
    """BD-rate of the integers: mean over the pictures, least and most."""
    rates = []
    for name in dict.fromkeys(row.image for row in rows):
        mine = [row for row in rows if row.image == name]
        integers = [RatePoint(row.integer_bytes, row.integer_psnr_db) for row in mine]
        floats = [RatePoint(row.float_bytes, row.float_psnr_db) for row in mine]
        rates.append(bd_rate(floats, integers))
    cells = [str(len(rates)), *(f"{of(rates):+.2f} %" for of in (statistics.mean, min, max))]
    return markdown(["pictures", "BD-rate (mean)", "least", "most"], [cells])


EXPERIMENT = Experiment(
    Row,
    "arithmetic.tsv",
    DOCS / "architecture.md",
    lambda rows: {"arithmetic": arithmetic_table(rows)},
)


def main() -> None:
    parser = experiment_parser(__doc__)
    parser.add_argument("--qualities", type=numbers, default=(10.0, 35.0, 65.0, 90.0))
    args = parser.parse_args()
    networks = released.load_default().search()
    rows = EXPERIMENT.open(args.out)
    for path in list_images(args.images, args.every):
        pixels = image.load_pixels(path)
        for quality in args.qualities:
            if rows.lack(image=path.stem, quality=quality):
                rows.add([measure(path.stem, pixels, quality, networks)])
    rows.fill()


if __name__ == "__main__":
    main()
