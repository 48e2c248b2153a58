"""Turns a training run into a released model: integers, bounds proven, subspace, model card.

    python -m scripts release.export --content learned --run runs/photo --data DIR --name photo-1
    python -m scripts release.export --content jpeg --run runs/jpeg --data DIR --name jpeg-1
    python -m scripts release.export --content compressai --of photo-1 --name compressai-1

`--data` are training pictures: they set the clamps of the activations and the subspace of the
weight updates.  Prints the split of every layer into exact float32 parts, and the model's id.

The model for contents of the CompressAI zoo has no training of its own.  Its post-filter has the
features, the subspace of updates and the tables of the learned model --of, and a last layer of
zeros: without an update, a picture stays as the zoo's network decodes it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from torch import Tensor, nn

from bitstream import CdfTables
from bitstream.update.subspace import LEVEL_TABLES
from codec.contract.contents import CONTENTS, FOREIGN
from codec.contract.effort import effort_at
from codec.contract.quality import HALVES, centred, level_at
from codec.decoding.filtering import Filtering
from codec.encoding.contents.registry import encoder_of
from codec.encoding.task import EncodeTask
from codec.encoding.updates.equations import equations
from codec.encoding.updates.normal import NormalEquations
from codec.models.kinds import FilteredModel, LearnedModel
from codec.models.registry import PRETRAINED
from codec.models.released import load_file, pack_model
from codec.models.subspace import Subspace
from codec.networks.export import arrays_of, measure_limits, quantize_model
from codec.networks.fixed_point import IntegerConv
from codec.networks.integers import FRACTION_BITS, PARAMETER_BITS
from codec.networks.learned import FilterModel, Model
from codec.networks.likelihood import hard_rounding
from codec.networks.pictures import from_pixels
from codec.networks.tables import latent_tables
from codec.networks.twins import build_integer
from scripts.measure.documents import STANDARD
from scripts.release.cards import effort_of, publish
from scripts.train import filter, learned
from scripts.train.data import load_folder, random_crops
from scripts.train.pairs import Pairs
from scripts.train.run import load_config, read_log
from scripts.train.subspaces import after, common_change, learn, learn_prior

SUBSPACE_PICTURES = 120
SUBSPACE_PX = 512
"""Largest side of the pictures that the subspace is learned from."""


def load_networks(content: str, run: Path, config: Path) -> Model | FilterModel:
    """The best averaged weights of a run."""
    state = torch.load(run / "best.pt", map_location="cpu", weights_only=True)
    networks: nn.Module
    if content == "learned":
        networks = Model(load_config(learned.TrainConfig, config).model)
    else:
        networks = FilterModel(load_config(filter.TrainConfig, config).filter)
        state = {f"postfilter.{name}": value for name, value in state.items()}
    networks.load_state_dict(state)
    return networks.eval().requires_grad_(False)


def limits_of(
    networks: Model | FilterModel, content: str, pictures: list[Tensor]
) -> dict[str, int]:
    """Clamps of the activations, from crops at many qualities."""
    rng = np.random.default_rng(0)

    def run() -> None:
        if isinstance(networks, Model):
            crops = random_crops(pictures, 256, 24, rng)
            for quality in (0.0, 20.0, 40.0, 60.0, 80.0, 100.0):
                level = level_at(torch.full((len(crops),), quality))
                networks(crops, level, hard_rounding)
        else:
            pairs = Pairs.of_pictures(content, pictures, 96, 256, rng)
            filter.run_filter(networks.postfilter, pairs.sample(256, 96, rng))

    return measure_limits(networks, run)


def jobs_of(pictures: list[Tensor], model: FilteredModel) -> Iterator[EncodeTask]:
    """Pictures that are to be coded at random qualities."""
    rng = np.random.default_rng(1)
    for picture in pictures:
        pixels = picture[:, :SUBSPACE_PX, :SUBSPACE_PX].permute(1, 2, 0).numpy()
        half = int(rng.integers(HALVES // 20, HALVES - HALVES // 20 + 1))
        yield EncodeTask(
            pixels,
            from_pixels(pixels),
            half,
            model,
            effort_at(0),
            torch.device("cpu"),
            lambda stage, fraction: None,
        )


def solved(task: EncodeTask) -> NormalEquations:
    """Normal equations of the last layer for a picture."""
    unfiltered = encoder_of(task).encode().unfiltered
    filtering = Filtering(unfiltered, task.model.postfilter, centred(task.half))
    return equations(filtering, task.original)


def add_to_last_layer(tensors: dict[str, Tensor], change: NDArray[np.float64]) -> None:
    """Adds a change [n m] of the last layer to its integers."""
    kernel, bias = (tensors[f"postfilter.leave.{part}"] for part in ("weight", "bias"))
    for tensor, values, bits in (
        (kernel, change[:-1].T, PARAMETER_BITS),
        (bias, change[-1], PARAMETER_BITS + FRACTION_BITS),
    ):
        tensor += (
            torch.from_numpy(np.round(values * 2**bits)).reshape(tensor.shape).to(tensor.dtype)
        )


@torch.no_grad()
def export(content: str, name: str, config: Path, run: Path, data: Path) -> None:
    """Publishes the model of a training run."""
    networks = load_networks(content, run, config)
    pictures = load_folder(data)
    pictures = pictures[:: max(1, len(pictures) // SUBSPACE_PICTURES)]
    tensors = quantize_model(networks, limits_of(networks, content, pictures))
    integer = build_integer(networks.config, tensors)
    print_splits(integer)

    tables = latent_tables()[: None if content == "learned" else LEVEL_TABLES]
    nothing = Subspace(*(np.zeros((0, 0), np.int64) for _ in range(3)))
    cdfs = CdfTables(tuple(tables))
    kind = LearnedModel if content == "learned" else FilteredModel
    arrays = arrays_of(tensors)
    model = kind(name, b"", content, arrays, cdfs, networks.config, nothing)
    images = [solved(task) for task in jobs_of(pictures, model)]
    change = common_change(images)
    add_to_last_layer(tensors, change)
    shares = [image.gain(change) / image.energy for image in images]
    print(f"refitting the last layer to all pictures lowers the error by {np.mean(shares):.2%}")
    arrays = arrays_of(tensors) | learn([after(image, change) for image in images]).to_arrays()
    if content == "learned":
        arrays |= learn_prior(jobs_of(pictures, model)).to_arrays("prior")

    file = pack_model(content, networks.config, arrays, tables, {"license": "Apache-2.0"})
    card = Path("configs/model_card.md" if content == "learned" else "configs/filter_card.md")
    publish(content, name, file, card, **facts_of(content, run, config))


def print_splits(networks: nn.Module) -> None:
    """How every layer is split into exact float32 parts."""
    for name, module in networks.named_modules():
        if isinstance(module, IntegerConv):
            print(f"{name:32s} limit {module.limit:5d}  {module.split}")


def export_foreign(name: str, source: str) -> None:
    """Publishes the model for contents of the CompressAI zoo."""
    path = PRETRAINED / source / "model.safetensors"
    model = load_file(path)
    with safe_open(path, "np") as file:
        notes = {key: text for key, text in file.metadata().items() if key != "architecture"}
    kept = ("postfilter.", "update.")
    arrays = {name: array for name, array in model.arrays.items() if name.startswith(kept)}
    for part in ("weight", "bias"):
        arrays[f"postfilter.leave.{part}"] = np.zeros_like(arrays[f"postfilter.leave.{part}"])
    tables = list(model.tables.frequencies[:LEVEL_TABLES])
    data = pack_model(FOREIGN, model.config.filter, arrays, tables, notes)
    publish(FOREIGN, name, data, Path("configs/zoo_card.md"), source=model.name)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--content", choices=(*CONTENTS, FOREIGN), required=True)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--of", metavar="MODEL", help="a learned model of the package")
    parser.add_argument("--name", required=True)
    args = parser.parse_args()
    if args.content == FOREIGN:
        if not args.of:
            parser.error(f"--content {FOREIGN} needs --of")
        export_foreign(args.name, args.of)
        return
    if not (args.run and args.data):
        parser.error(f"--content {args.content} needs --run and --data")
    kind = "train/photo" if args.content == "learned" else "filter/standard"
    config = args.config or Path(f"configs/{kind}.toml")
    export(args.content, args.name, config, args.run, args.data)


def facts_of(content: str, run: Path, config: Path) -> dict[str, object]:
    """What the card of a model tells of its training."""
    *_, loss, points = read_log(run)[-1]
    qualities = (learned if content == "learned" else filter).VALIDATION_QUALITIES
    return effort_of(run) | {
        "below": {name: title for title, name in STANDARD.items()}.get(content, content),
        "config": config,
        "loss": loss,
        "points": ", ".join(points.split()),
        "qualities": ", ".join(f"{q:g}" for q in qualities),
        "further": notes_of(run) + meta_training(run),
    }


def notes_of(run: Path) -> str:
    """What else has to be told of a run: sentences in its notes.txt, if there is one."""
    notes = run / "notes.txt"
    return " " + notes.read_text(encoding="utf-8").strip() if notes.exists() else ""


def meta_training(run: Path) -> str:
    """A sentence on what `scripts/train/meta.py` did, empty if it was not used."""
    table = run / "meta.tsv"
    if not table.exists():
        return ""
    first, *_, last = (line.split("\t") for line in table.read_text().splitlines())
    steps, minutes = int(last[0]), float(last[1]) / 60
    before, now = float(first[4]), float(last[4])
    return (
        f" Then\n`scripts/train/meta.py` trained the filter for its updates: {steps:,} steps of "
        f"3 pictures in\n{minutes:.0f} minutes. On CID22 validation pictures the update of a "
        f"picture saved {before:.1f} % of\nthe content's bits before, and {now:.1f} % after."
    )


if __name__ == "__main__":
    main()
