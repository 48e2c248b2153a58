r"""What exact integers cost against floats: the same weights, the same analysis, in both.

    python -m scripts compare.arithmetic --images DIR --qualities 10,35,65,90 \
        --out results/0.1.0/arithmetic.tsv

The integer side is a real file at effort 0 and its decoded 8-bit pixels.  The float side rounds the
latents with the float context model, whose probabilities give the rate (an ideal coder's, plus the
file's framing), and rounds the float decoder's picture to 8 bits.  Rows that are there already are
not measured again.  The table of docs/architecture.md is written from all of them.
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import dataclass
from pathlib import Path

import torch

import codec
from bitstream import Container, Tag
from codec.contract.quality import level_at
from codec.models import released
from codec.networks.learned import Model
from codec.networks.likelihood import hard_rounding
from codec.networks.pictures import from_pixels, pad_to
from codec.networks.transform import BLOCK_PX
from codec.picture import reading as image
from codec.picture.pixels import Pixels, psnr_db
from scripts.measure.bdrate import bd_rate
from scripts.measure.curves import Point
from scripts.measure.documents import fill, markdown
from scripts.measure.evaluate import list_images
from scripts.measure.tables import append_typed, read_typed

DOCUMENT = Path("docs/architecture.md")
MULTIPLE = 2 * BLOCK_PX


@dataclass(frozen=True)
class Row:
    """A picture in both."""

    image: str
    quality: float
    integer_bytes: int
    integer_psnr_db: float
    float_bytes: float
    float_psnr_db: float


FORMATS = {"quality": "g", "integer_psnr_db": ".4f", "float_bytes": ".1f", "float_psnr_db": ".4f"}


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
        integers = [Point(row.integer_bytes, row.integer_psnr_db) for row in mine]
        floats = [Point(row.float_bytes, row.float_psnr_db) for row in mine]
        rates.append(bd_rate(floats, integers))
    cells = [str(len(rates)), *(f"{of(rates):+.2f} %" for of in (statistics.mean, min, max))]
    return markdown(["pictures", "BD-rate (mean)", "least", "most"], [cells])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take each N-th picture")
    parser.add_argument("--qualities", default="10,35,65,90")
    parser.add_argument("--out", type=Path, required=True, metavar="TSV")
    args = parser.parse_args()
    networks = released.load_default().search()
    done = {(row.image, row.quality) for row in read_typed(args.out, Row)}
    for path in list_images(args.images)[:: args.every]:
        pixels = image.load(path)
        for quality in (float(text) for text in args.qualities.split(",")):
            if (path.stem, quality) not in done:
                row = measure(path.stem, pixels, quality, networks)
                append_typed(args.out, row, FORMATS)
                print(row, flush=True)
    table = arithmetic_table(read_typed(args.out, Row))
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(fill(text, "arithmetic", table), encoding="utf-8")


if __name__ == "__main__":
    main()
