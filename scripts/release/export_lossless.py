"""Turns a run of `scripts/train/lossless.py` into a released model.

    python -m scripts release.export_lossless --run runs/lossless --data DIR --name lossless-1

`--data` are training pictures: they set the clamps of the activations and the subspaces of
weight updates.  What corrects predictions is fitted to the model afterwards
(`scripts/release/corrections.py`).  Prints how every layer is split into exact float32 parts, and
the model's id.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from codec.contract.contents import LOSSLESS
from codec.models.heads import HEAD_NAMES
from codec.models.released import pack_model
from codec.networks.export import arrays_of
from codec.networks.integers import Arrays
from codec.networks.lossless.export import integer_tensors, limits_of, pixel_tables
from codec.networks.lossless.network import LosslessNetworks
from codec.networks.lossless.twins import build_exact
from scripts.release.cards import effort_of, publish
from scripts.release.corrections import blank
from scripts.release.export import print_splits
from scripts.train.data import load_shrunk, random_crops
from scripts.train.lossless import TrainConfig
from scripts.train.lossless_rate import rate, to_units
from scripts.train.run import load_config, read_log
from scripts.train.subspaces import learn_heads

LIMIT_CROPS = 48
SUBSPACE_PICTURES = 160
SUBSPACE_PX = 224
"""Largest side of the pictures that the subspaces are learned from."""


@torch.no_grad()
def release(
    networks: LosslessNetworks, pictures: list[Tensor], correctors: Arrays | None = None
) -> bytes:
    """The bytes of a model file.

    Args:
        networks: trained, float.
        pictures: uint8 [3 h w], of at least 64x64.
        correctors: tensors of what corrects predictions; without, nothing does.
    """
    rng = np.random.default_rng(0)
    side = min(128, *(min(picture.shape[1:]) for picture in pictures))
    crops = to_units(random_crops(pictures, side, LIMIT_CROPS, rng) + 128)

    def run() -> None:
        for part in crops.split(16):
            rate(networks, part)

    limits = limits_of(networks, run)
    width = float(networks.log2_width)
    chosen = rng.permutation(len(pictures))[:SUBSPACE_PICTURES]
    samples = [
        pictures[i][:, :SUBSPACE_PX, :SUBSPACE_PX].permute(1, 2, 0).contiguous().numpy()
        for i in chosen
    ]
    tensors = integer_tensors(networks, limits)
    integer = build_exact(networks.config, tensors)
    print_splits(integer)
    subspaces = learn_heads(samples, integer, width)
    arrays = arrays_of(tensors) | dict(correctors or blank())
    for name, subspace in zip(HEAD_NAMES, subspaces, strict=True):
        arrays |= subspace.to_arrays(f"{name}.update")
    notes = {"license": "Apache-2.0"}
    return pack_model(LOSSLESS, networks.config, arrays, pixel_tables(width), notes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=Path("configs/train/lossless.toml"))
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--name", required=True)
    args = parser.parse_args()

    config = load_config(TrainConfig, args.config)
    networks = LosslessNetworks(config.model)
    networks.load_state_dict(torch.load(args.run / "best.pt", weights_only=True))
    pictures = load_shrunk(args.data, config.data.scales, config.data.crop_px)
    data = release(networks.eval().requires_grad_(False), pictures)
    facts = effort_of(args.run) | {
        "config": args.config,
        "loss": min((row[3] for row in read_log(args.run)), key=float),
    }
    publish(LOSSLESS, args.name, data, Path("configs/lossless_card.md"), **facts)


if __name__ == "__main__":
    main()
