"""Turns a training run into a released model: integers, tables, bounds proven, model card.

    python scripts/export_weights.py --run runs/base --data DIR --name photo-1 --notes card.toml

`--data` are training pictures: they set the clamps of the activations.  Prints the model's id, the
decoder's kMAC per pixel and parameters by part, and how many float32 digits each layer takes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from train import TrainConfig
from train_data import load_folder, random_crops

from codec.fixed_point import IntegerConv
from codec.integer_model import build_integer, measure_limits, quantize_model
from codec.model import Model
from codec.quality import level_at
from codec.tables import all_frequencies
from codec.weights import PRETRAINED, file_id, pack


def load_average(run: Path, config: TrainConfig) -> Model:
    """The best averaged weights of a run."""
    model = Model(config.model)
    state = torch.load(run / "best.pt", map_location="cpu", weights_only=True)
    model.load_state_dict(state)
    return model.eval().requires_grad_(False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=Path("configs/train/base.toml"))
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--name", required=True)
    args = parser.parse_args()

    config = TrainConfig.load(args.config)
    model = load_average(args.run, config)
    crops = random_crops(load_folder(args.data, 60), 256, 24, np.random.default_rng(0))

    def run_all_qualities() -> None:
        for quality in (0.0, 20.0, 40.0, 60.0, 80.0, 100.0):
            model(crops, level_at(torch.full((len(crops),), quality)), noise=False)

    limits = measure_limits(model, run_all_qualities)
    tensors = quantize_model(model, limits)
    integer = build_integer(config.model, tensors)
    for name, module in integer.named_modules():
        if isinstance(module, IntegerConv):
            print(f"{name:32s} limit {module.limit:5d}  {module.split}")

    folder = PRETRAINED / args.name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model.safetensors"
    path.write_bytes(pack(config.model, tensors, all_frequencies(), {"license": "Apache-2.0"}))
    print(f"{path}: {path.stat().st_size:,} bytes, id {file_id(path).hex()}")


if __name__ == "__main__":
    main()
