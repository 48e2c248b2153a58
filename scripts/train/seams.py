"""How visible the grid of 16x16 blocks is: steps across it over steps elsewhere, by quality.

    python -m scripts train.seams --images DIR --out results/0.1.0/seams.tsv
    python -m scripts train.seams --images DIR --weights runs/photo/best.pt \
        --out results/0.1.0/seams.tsv

The mean absolute step of luma between neighbouring pixels, horizontally and vertically, of pairs on
either side of the grid over that of all other pairs: close to 1 in photographs, above it where
blocks show.  Pictures are those of the float networks before any update of the filter, as whole
pixel values: of the released model, or of a training run.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from codec.contract.quality import level_at
from codec.models.released import load_default
from codec.networks.learned import Model
from codec.networks.likelihood import hard_rounding
from codec.networks.order import BLOCK_PX
from scripts.train.data import center_crops, load_folder
from scripts.train.learned import TrainConfig, load_weights
from scripts.train.run import load_config

LUMA = (0.299, 0.587, 0.114)
QUALITIES = (5.0, 12.0, 25.0, 40.0, 60.0, 80.0)
SIDE_PX = 512


def seam_ratio(pixels: Tensor) -> float:
    """Of pictures whose grid begins in their corner: [n 3 h w], pixel values."""
    luma = torch.einsum("nchw,c->nhw", pixels.double(), torch.tensor(LUMA).double())
    on, off = [], []
    for along in (luma, luma.mT):
        steps = along.diff(dim=2).abs()
        across = (torch.arange(steps.shape[2]) + 1) % BLOCK_PX == 0
        on.append(steps[:, :, across].flatten())
        off.append(steps[:, :, ~across].flatten())
    return float(torch.cat(on).mean() / torch.cat(off).mean())


@torch.no_grad()
def decoded(model: Model, pictures: Tensor, quality: float) -> Tensor:
    """What a model makes of pictures: [n 3 h w], pixel values - 128 both."""
    level = level_at(torch.tensor([quality]))
    made = [model(picture[None], level, hard_rounding).picture for picture in pictures]
    return torch.cat(made).round().clamp(-128, 127)


def load(weights: Path | None, config: Path) -> tuple[str, Model]:
    """The model of a training run, or the released one, and its name."""
    if weights is None:
        return "released", load_default().search()
    model = Model(load_config(TrainConfig, config).model)
    model.load_state_dict(load_weights(weights))
    return weights.parent.name, model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=12, metavar="PICTURES")
    parser.add_argument("--weights", type=Path, help="of a run of scripts/train/learned.py")
    parser.add_argument("--config", type=Path, default=Path("configs/train/photo.toml"))
    parser.add_argument("--out", type=Path, required=True, help="table to append to")
    args = parser.parse_args()

    name, model = load(args.weights, args.config)
    pictures = center_crops(load_folder(args.images, args.limit), SIDE_PX)
    original = seam_ratio(pictures)
    if not args.out.exists():
        args.out.write_text("model\tquality\tseam_ratio\toriginals\n")
    for quality in QUALITIES:
        ratio = seam_ratio(decoded(model, pictures, quality))
        line = f"{name}\t{quality:g}\t{ratio:.4f}\t{original:.4f}"
        print(line, flush=True)
        with args.out.open("a") as table:
            table.write(line + "\n")


if __name__ == "__main__":
    main()
