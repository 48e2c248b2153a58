"""Turns a training run into a released model: integers, tables, bounds proven, model card.

    python scripts/export_weights.py --run runs/base --data DIR --name photo-1

`--data` are training pictures: they set the clamps of the activations.  Prints the model's id and
the split of every layer into exact float32 parts.
"""

from __future__ import annotations

import argparse
import hashlib
import tomllib
from pathlib import Path

import numpy as np
import torch
from train import VALIDATION_QUALITIES, TrainConfig
from train_data import load_folder, random_crops

from codec.fixed_point import IntegerConv
from codec.integer_model import build_integer, measure_limits, quantize_model
from codec.likelihood import hard_rounding
from codec.model import Model
from codec.quality import level_at
from codec.tables import all_frequencies
from codec.weights import PRETRAINED, REGISTRY, file_id, pack


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
            model(crops, level_at(torch.full((len(crops),), quality)), hard_rounding)

    limits = measure_limits(model, run_all_qualities)
    tensors = quantize_model(model, limits)
    integer = build_integer(config.model, tensors)
    for name, module in integer.named_modules():
        if isinstance(module, IntegerConv):
            print(f"{name:32s} limit {module.limit:5d}  {module.split}")

    path = PRETRAINED / args.name / "model.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pack(config.model, tensors, all_frequencies(), {"license": "Apache-2.0"}))
    register(args.name, path)
    write_card(args.name, path, args.run, args.config)
    print(f"{path}: {path.stat().st_size:,} bytes, id {file_id(path).hex()}")


def register(name: str, path: Path) -> None:
    """Enters the model into the registry, as the default; FORMAT.md section 11.2 names it too."""
    known = tomllib.loads(REGISTRY.read_text())["sha256"] if REGISTRY.exists() else {}
    known[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    lines = [f'default = "{name}"', "", "[sha256]", *(f'{n} = "{d}"' for n, d in known.items())]
    REGISTRY.write_text("\n".join(lines) + "\n")


def write_card(name: str, path: Path, run: Path, config: Path) -> None:
    """Writes the model card, from the template beside the configs and the run's log."""
    *_, last = (run / "log.tsv").read_text().splitlines()
    steps, seconds, _, loss, points = last.split("\t")
    card = (
        Path("configs/model_card.md")
        .read_text()
        .format(
            name=name,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            id=file_id(path).hex(),
            config=config,
            steps=int(steps),
            hours=float(seconds) / 3600,
            loss=loss,
            points=", ".join(points.split()),
            qualities=", ".join(f"{q:g}" for q in VALIDATION_QUALITIES),
        )
    )
    (path.parent / "README.md").write_text(card)


if __name__ == "__main__":
    main()
