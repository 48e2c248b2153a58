"""Writes the model for contents of the CompressAI zoo, codec/models/pretrained/compressai-1.

    python -m scripts release.make_zoo_filter photo-1

Its post-filter has the features, the subspace of updates and the tables of a learned model, and a
last layer of zeros: without an update, a picture stays as the zoo's network decodes it.  The
registry and the card get its hash.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors import safe_open

from codec.models import released
from codec.models.registry import PRETRAINED
from scripts.release.cards import publish

NAME = "compressai-1"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", metavar="MODEL", help="name of a learned model of the package")
    source = PRETRAINED / parser.parse_args().source / "model.safetensors"
    model = released.load_file(source)
    with safe_open(source, "pt") as file:
        notes = {key: text for key, text in file.metadata().items() if key != "architecture"}
    tensors = {
        name: tensor
        for name, tensor in model.tensors.items()
        if name.startswith(("postfilter.", "update."))
    }
    for part in ("weight", "bias"):
        name = f"postfilter.leave.{part}"
        tensors[name] = torch.zeros_like(tensors[name])
    tables = list(model.tables.frequencies)
    data = released.pack("compressai", model.config.filter, tensors, tables, notes)
    publish("compressai", NAME, data, Path("configs/zoo_card.md"), source=model.name)


if __name__ == "__main__":
    main()
