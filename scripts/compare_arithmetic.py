r"""What exact integers cost against floats: the same weights, the same analysis, in both.

    python scripts/compare_arithmetic.py --images DIR --qualities 10,35,65,90 \
        --out results/0.1.0/arithmetic.tsv

The integer side is a real file at effort 0 and its decoded 8-bit pixels.  The float side rounds the
latents with the float context model, whose probabilities give the rate (an ideal coder's, plus the
file's framing), and rounds the float decoder's picture to 8 bits.  The last line printed is the
BD-rate of the integers, in the mean over the images; columns: bytes and PSNR of both.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from bdrate import bd_rate
from curves import Point

import codec
from bitstream import Container, Tag
from codec import image, weights
from codec.image import psnr_db
from codec.likelihood import hard_rounding
from codec.model import Model
from codec.picture import Pixels, from_pixels, pad_to
from codec.quality import level_at
from codec.transform import BLOCK_PX

COLUMNS = ("image", "quality", "integer_bytes", "integer_psnr_db", "float_bytes", "float_psnr_db")
MULTIPLE = 2 * BLOCK_PX


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take each N-th picture")
    parser.add_argument("--qualities", default="10,35,65,90")
    parser.add_argument("--out", type=Path, required=True, metavar="TSV")
    args = parser.parse_args()
    networks = weights.load_default().search()
    qualities = [float(text) for text in args.qualities.split(",")]
    lines, rates = ["\t".join(COLUMNS)], []
    for path in sorted(args.images.glob("*.png"))[:: args.every]:
        pixels = image.load(path)
        curves: tuple[list[Point], list[Point]] = ([], [])
        for quality in qualities:
            data = codec.encode(pixels, codec.EncodeOptions(quality, effort=0, verify=False)).data
            framing = len(data) - len(Container.unpack(data).chunks[Tag.CONTENT])
            bits, picture = in_floats(pixels, quality, networks)
            sizes = bits / 8 + framing, float(len(data))
            psnrs = psnr_db(picture, pixels), psnr_db(codec.decode(data), pixels)
            for curve, size, psnr in zip(curves, sizes, psnrs, strict=True):
                curve.append(Point(8 * size / (pixels.size / 3), psnr))
            values = path.stem, f"{quality:g}", len(data), f"{psnrs[1]:.4f}"
            lines.append("\t".join(map(str, values)) + f"\t{sizes[0]:.1f}\t{psnrs[0]:.4f}")
        rates.append(bd_rate(*curves))
        print(f"{path.stem:24s} {rates[-1]:+.3f} %", flush=True)
    args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"mean of {len(rates)}: {np.mean(rates):+.3f} %")


if __name__ == "__main__":
    main()
