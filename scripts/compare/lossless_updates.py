"""What selects the weights that a lossless update may change, side by side.

    python -m scripts compare.lossless_updates --data DIR --images DIR --out results/0.1.0/NAME.tsv

Every selection is a list of single weights of the last layers with a prior for each, learned from
the pictures of `--data`; it takes the place of the model's subspaces, so that all else, search and
coding, stays equal.  How many of the best weights are kept is settled on other pictures of
`--data`.  For each picture of `--images` the real files without and with the update are written.

    all            every weight
    biases         a heuristic
    second-order   E[g^2] / 2h: what a weight gains alone
    bernoulli      a gate for each weight: its probability is learned, with the rate of both
    laplace        how far each weight moves, learned together with the moves
    subspace       the released ones: principal axes in place of weights
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from codec.contract.modes import LOSSLESS
from codec.decoding.lossless import update
from codec.decoding.lossless.coder import encode_pixels
from codec.encoding.lossless import fit
from codec.encoding.lossless.quadratic import Quadratic, collect, weights_of
from codec.models import released
from codec.models.heads import Subspaces
from codec.models.kinds import ReleasedModel
from codec.models.subspace import INNER_BITS, OUTER_BITS, STEPS_PER_OCTAVE, Subspace, step_size
from codec.networks.lossless.likelihood import LOG2_SCALE_MIN
from codec.picture.pixels import Pixels
from scripts.compare.lossless_scores import Quadratics, bernoulli, laplace, ridge, second_order
from scripts.measure.evaluate import list_images
from scripts.train.data import load_shrunk
from scripts.train.learn_subspace import SMALLEST_MAGNITUDE, SPARSITY

SIDE_PX = 224
LEARNED_FROM, SETTLED_ON = 40, 4
KEPT = (0.01, 0.03, 0.1, 0.3, 1.0)
NEVER = -(2**10)
"""Scale of a coordinate that does not move."""
COLUMNS = ("image", "selection", "kept", "plain_bytes", "bytes", "update_bytes", "saved_bpp")


@dataclass(frozen=True, eq=False)
class Selection:
    """Which coordinates an update may change, and their subspaces; bool [n]."""

    chosen: NDArray[np.bool_]
    subspaces: Subspaces

    @classmethod
    def of(cls, chosen: NDArray[np.bool_], subspaces: Subspaces) -> Selection:
        """Levels of all else cost as little as can be."""
        masks = update.split(chosen, subspaces)
        return cls(
            chosen,
            tuple(
                replace(space, scales=np.where(mask, space.scales, NEVER).astype(np.int16))
                for space, mask in zip(subspaces, masks, strict=True)
            ),
        )

    @property
    def kept(self) -> float:
        """Share of the weights."""
        return float(self.chosen.mean())

    def limit(self, found: list[Quadratic]) -> list[Quadratic]:
        """Quadratics in which all else gains nothing."""
        masks = [mask.ravel() for mask in update.split(self.chosen, self.subspaces)]
        return [
            Quadratic(head.gram * np.outer(mask, mask), head.cross * mask)
            for head, mask in zip(found, masks, strict=True)
        ]

    def search(self, pixels: Pixels, model: ReleasedModel) -> fit.Update | None:
        """The update of a picture."""
        every = fit.quadratics

        def limited(*arguments: Any) -> tuple[float, list[Quadratic]]:
            bits, found = every(*arguments)
            return bits, self.limit(found)

        with mock.patch("codec.encoding.lossless.fit.quadratics", limited):
            return fit.search(pixels, replace(model, subspace=self.subspaces), thorough=False)

    def saving(self, pictures: list[Pixels], model: ReleasedModel) -> float:
        """Bits that updates of some pictures save, by the first quadratic of each."""
        total, tables = 0.0, update.tables_of(model.tables)
        there, width = weights_of(model.networks), float(model.tensors["log2_width"])
        for pixels in pictures:
            samples = collect(pixels, model.networks)
            found = fit.quadratics(samples, there, width, self.subspaces)[1]
            payload = fit.quantized(self.limit(found), self.subspaces, tables, pixels[..., 0].size)
            total -= 8 * len(update.pack(payload, self.subspaces, tables))
            parts = update.split(payload.levels * step_size(payload.step), self.subspaces)
            for head, part in zip(found, parts, strict=True):
                moved = part.ravel()
                total += moved @ (2 * head.cross - head.gram @ moved)
        return total


def single_weights(found: Quadratics, moves: NDArray[np.float64]) -> Subspaces:
    """Coordinates that are the weights, each with the prior of its moves."""
    subspaces = []
    for (inner, outer), place in zip(found.bases, found.slices(), strict=True):
        magnitude = np.maximum(SPARSITY * np.abs(moves[:, place]).mean(0), SMALLEST_MAGNITUDE)
        scales = np.round(STEPS_PER_OCTAVE * (np.log2(magnitude) - LOG2_SCALE_MIN))
        # The size of outer is that of inner's bits.
        size = outer.max()
        subspaces.append(
            Subspace(
                np.round(inner * size * 2**INNER_BITS).astype(np.int64),
                np.round(outer / size * 2**OUTER_BITS).astype(np.int64),
                scales.astype(np.int16).reshape(len(inner), len(outer)),
            )
        )
    return tuple(subspaces)


def selections(
    model: ReleasedModel, learned_from: list[Pixels], settled_on: list[Pixels]
) -> dict[str, Selection]:
    """All of them."""
    found = Quadratics.of_pictures(learned_from, model)
    weights_alone = single_weights(found, ridge(found))
    every = np.ones(found.count, bool)
    bias = np.concatenate(
        [
            (np.arange(len(inner)) == len(inner) - 1).repeat(len(outer))
            for inner, outer in found.bases
        ]
    )
    chosen = {
        "all": Selection.of(every, weights_alone),
        "biases": Selection.of(bias, weights_alone),
        "subspace": Selection.of(every, model.subspaces),
    }
    for name, score in (
        ("second-order", second_order),
        ("bernoulli", bernoulli),
        ("laplace", laplace),
    ):
        rank = np.argsort(np.argsort(-score(found)))
        tried = [Selection.of(rank < share * len(rank), weights_alone) for share in KEPT]
        chosen[name] = max(tried, key=lambda one: one.saving(settled_on, model))
        print(f"{name}: keeps {chosen[name].kept:.0%}", flush=True)
    return chosen


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N pictures")
    parser.add_argument("--out", type=Path, required=True, metavar="TABLE.tsv")
    args = parser.parse_args()

    model = released.load_default(LOSSLESS)
    pictures = load_shrunk(args.data, [0.6], SIDE_PX)
    order = np.random.default_rng(5).permutation(len(pictures))[: LEARNED_FROM + SETTLED_ON]
    crops = [
        pictures[i][:, :SIDE_PX, :SIDE_PX].permute(1, 2, 0).contiguous().numpy() for i in order
    ]
    with torch.enable_grad():
        chosen = selections(model, crops[:LEARNED_FROM], crops[LEARNED_FROM:])
    with args.out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(COLUMNS)
        for path in list_images(args.images)[: args.limit]:
            pixels = np.array(Image.open(path).convert("RGB"))
            plain = len(encode_pixels(pixels, model.networks, model.tables))
            for name, selection in chosen.items():
                found = selection.search(pixels, model)
                size, payload = plain, 0
                if found:
                    coded = len(encode_pixels(pixels, found.networks, model.tables))
                    if coded + len(found.payload) < plain:
                        size, payload = coded + len(found.payload), len(found.payload)
                saved = 8 * (plain - size) / pixels[..., 0].size
                row = (path.stem, name, f"{selection.kept:g}", plain, size, payload, f"{saved:.4f}")
                writer.writerow(row)
                file.flush()
                print(*row, flush=True)


if __name__ == "__main__":
    main()
