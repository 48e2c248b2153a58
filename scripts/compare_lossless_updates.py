"""What selects the weights that a lossless update may change, side by side.

    python scripts/compare_lossless_updates.py --data DIR --images DIR --out results/0.1.0/NAME.tsv

Every selection is a list of single weights of the last layers with a prior for each, learned from
the pictures of `--data`; it takes the place of the model's subspace, so that all else, search and
coding, stays equal.  How many of the best weights are kept is settled on other pictures of
`--data`.  For each picture of `--images` the real files without and with the update are written.

    all            every weight
    biases         a heuristic
    second-order   E[g^2] / 2h: what a weight gains alone
    bernoulli      a gate for each weight: its probability is learned, with the rate of both
    laplace        how far each weight moves, learned together with the moves
    subspace       the released one: principal axes in place of weights
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from evaluate import list_images
from learn_subspace import RIDGE, SMALLEST_MAGNITUDE, SPARSITY
from numpy.typing import NDArray
from PIL import Image
from train_data import load_shrunk

from codec import weights
from codec.lossless import fit, update
from codec.lossless.codec import CONTENT
from codec.lossless.coder import encode_pixels
from codec.lossless.likelihood import LOG2_SCALE_MIN
from codec.picture import Pixels
from codec.update.fit import fit as fit_levels
from codec.update.subspace import INNER_BITS, OUTER_BITS, STEPS_PER_OCTAVE, Subspace
from codec.weights import ReleasedModel

SIDE_PX = 224
LEARNED_FROM, SETTLED_ON = 40, 4
KEPT = (0.01, 0.03, 0.1, 0.3, 1.0)
VALUE_BITS = 5.0
"""Of a level that is not zero: sign, magnitude and what it is told apart by."""
GATE_ROUNDS, GATE_STEPS = 4, 40
SCALE_ROUNDS = 12
COLUMNS = ("image", "selection", "kept", "plain_bytes", "bytes", "update_bytes", "saved_bpp")


@dataclass(frozen=True, eq=False)
class Quadratics:
    """The rates of pictures around the released weights, a head [images k k], in bits.

    Weights are scaled so that each has a mean curvature of one for a position.
    """

    grams: list[NDArray[np.float32]]
    crosses: list[NDArray[np.float32]]
    units: NDArray[np.float64]
    positions: int

    @classmethod
    def of_pictures(cls, pictures: list[Pixels], model: ReleasedModel) -> Quadratics:
        width = float(model.tensors["log2_width"])
        found = []
        for pixels in pictures:
            samples = fit.collect(pixels, model.networks)
            found.append(fit.quadratic(samples, fit.weights_of(model.networks), width)[1:])
        positions = pictures[0][..., 0].size
        grams, crosses, units = [], [], []
        for head in range(len(found[0][0])):
            gram = np.stack([curvatures[head] for _, curvatures in found]) / 2
            power = np.einsum("nii->i", gram) / len(gram) / positions
            unit = 1 / np.sqrt(np.maximum(power, 1e-5 * power.mean()))
            grams.append((gram * np.outer(unit, unit)).astype(np.float32))
            crosses.append(np.stack([-s[head] / 2 * unit for s, _ in found]).astype(np.float32))
            units.append(unit)
        return cls(grams, crosses, np.concatenate(units), positions)

    def solve(self, penalty: Callable[[int], NDArray[np.float64]]) -> NDArray[np.float64]:
        """Best changes with a quadratic penalty on each weight of a head: [images n]."""
        solved = []
        for head, (gram, cross) in enumerate(zip(self.grams, self.crosses, strict=True)):
            matrix = gram.astype(np.float64) + np.eye(gram.shape[1]) * penalty(head)
            solved.append(np.linalg.solve(matrix, cross[..., None].astype(np.float64))[..., 0])
        return np.concatenate(solved, 1)

    def slices(self) -> list[slice]:
        """Where the weights of each head are."""
        ends = np.cumsum([gram.shape[1] for gram in self.grams])
        return [slice(end - len(gram[0]), end) for end, gram in zip(ends, self.grams, strict=True)]


def ridge(found: Quadratics) -> NDArray[np.float64]:
    """Changes of all weights: [images n]."""
    return found.solve(lambda head: np.array(RIDGE * found.positions))


def second_order(found: Quadratics) -> NDArray[np.float64]:
    """Score of each weight."""
    gains = []
    for gram, cross in zip(found.grams, found.crosses, strict=True):
        own = np.einsum("nii->ni", gram).mean(0)
        gains.append((cross.astype(np.float64) ** 2).mean(0) / np.maximum(own, 1e-9))
    return np.concatenate(gains)


def bernoulli(found: Quadratics) -> NDArray[np.float64]:
    """Probability of each weight's gate.

    With m_i ~ Bernoulli(p_i) the expected quadratic is again one in the changes d, so they are
    solved for; the gates go down the gradient of it and of their bits in between.
    """
    places = found.slices()
    logits = torch.zeros(len(found.units), requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=0.2)
    for _ in range(GATE_ROUNDS):
        gates = torch.sigmoid(logits).detach().numpy().astype(np.float64)
        changes = []
        for place, gram, cross in zip(places, found.grams, found.crosses, strict=True):
            p = gates[place]
            matrix = gram * np.outer(p, p)
            own = np.einsum("nii->ni", gram) * p * (1 - p) + 1e-3 * found.positions
            matrix = matrix + own[:, :, None] * np.eye(len(p))
            changes.append(np.linalg.solve(matrix, (cross * p)[..., None])[..., 0])
        for _ in range(GATE_STEPS):
            p = torch.sigmoid(logits)
            loss = _gate_bits(p)
            for place, gram, cross, d in zip(
                places, found.grams, found.crosses, changes, strict=True
            ):
                moves, q = torch.from_numpy(d).float(), p[place]
                matrix, pull = torch.from_numpy(gram), torch.from_numpy(cross)
                gated = moves * q
                own = torch.diagonal(matrix, dim1=1, dim2=2)
                expected = torch.einsum("ni,nij,nj->n", gated, matrix, gated)
                expected = expected + (own * q * (1 - q) * moves**2).sum(1)
                loss = loss + (expected - 2 * (pull * gated).sum(1)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return torch.sigmoid(logits).detach().numpy().astype(np.float64)


def _gate_bits(p: torch.Tensor) -> torch.Tensor:
    entropy = torch.special.entr(p) + torch.special.entr(1 - p)
    return (entropy / math.log(2) + p * VALUE_BITS).sum()


def laplace(found: Quadratics) -> NDArray[np.float64]:
    """Scale of each weight: mean magnitude of moves that are found with that prior.

    |d| / (b ln 2) bits are the quadratic d^2 / (2 |d'| b ln 2) around d', the moves before.
    """
    places, moves = found.slices(), ridge(found)
    for _ in range(SCALE_ROUNDS):
        scale = np.maximum(np.abs(moves).mean(0), SMALLEST_MAGNITUDE)
        last = np.maximum(np.abs(moves).mean(0), SMALLEST_MAGNITUDE)
        penalty = 1 / (2 * math.log(2) * scale * last)
        moves = found.solve(lambda head, penalty=penalty: penalty[places[head]])
    return np.abs(moves).mean(0)


def subspace_of(
    chosen: NDArray[np.intp], moves: NDArray[np.float64], units: NDArray[np.float64]
) -> Subspace:
    """Single weights as a subspace, each with the prior of its moves."""
    inner = np.zeros((len(units), len(chosen)))
    inner[chosen, np.arange(len(chosen))] = units[chosen]
    magnitude = np.maximum(SPARSITY * np.abs(moves[:, chosen]).mean(0), SMALLEST_MAGNITUDE)
    scales = np.round(STEPS_PER_OCTAVE * (np.log2(magnitude) - LOG2_SCALE_MIN))
    return Subspace(
        np.round(inner * 2**INNER_BITS).astype(np.int64),
        np.array([[1 << OUTER_BITS]]),
        scales.astype(np.int16)[:, None],
    )


def saving(pictures: list[Pixels], model: ReleasedModel) -> float:
    """Bits that updates of some pictures save, by the first quadratic of each."""
    tables, total = update.tables_of(model.tables), 0.0
    for pixels in pictures:
        samples, now = fit.collect(pixels, model.networks), fit.weights_of(model.networks)
        _, slopes, curvatures = fit.quadratic(samples, now, float(model.tensors["log2_width"]))
        nothing = np.zeros(len(np.concatenate(slopes)))
        task = fit.task_of(slopes, curvatures, nothing, model.subspace, tables, pixels)
        found = fit_levels(task, thorough=False)
        total += found.saving if found else 0.0
    return total


def selections(
    model: ReleasedModel, learned_from: list[Pixels], settled_on: list[Pixels]
) -> dict[str, tuple[float, Subspace]]:
    """Share of the weights and subspace of every selection."""
    found = Quadratics.of_pictures(learned_from, model)
    moves = ridge(found)
    layers = [layer.leave.weight.shape[:2] for layer in update.heads_of(model.networks)]
    bias = np.concatenate([np.tile(np.arange(i + 1) == i, o) for o, i in layers])
    every = np.arange(len(bias))
    chosen = {
        "all": (1.0, subspace_of(every, moves, found.units)),
        "biases": (float(bias.mean()), subspace_of(np.flatnonzero(bias), moves, found.units)),
        "subspace": (1.0, model.subspace),
    }
    for name, score in (
        ("second-order", second_order),
        ("bernoulli", bernoulli),
        ("laplace", laplace),
    ):
        order = np.argsort(-score(found))
        tried = {
            share: subspace_of(np.sort(order[: round(share * len(order))]), moves, found.units)
            for share in KEPT
        }
        best = max(tried, key=lambda s: saving(settled_on, replace(model, subspace=tried[s])))
        chosen[name] = (best, tried[best])
        print(f"{name}: keeps {best:.0%}", flush=True)
    return chosen


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N pictures")
    parser.add_argument("--out", type=Path, required=True, metavar="TABLE.tsv")
    args = parser.parse_args()

    model = weights.load_default(CONTENT)
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
            for name, (share, subspace) in chosen.items():
                found = fit.search(pixels, replace(model, subspace=subspace), thorough=False)
                size, payload = plain, 0
                if found:
                    coded = len(encode_pixels(pixels, found.networks, model.tables))
                    if coded + len(found.payload) < plain:
                        size, payload = coded + len(found.payload), len(found.payload)
                saved = 8 * (plain - size) / pixels[..., 0].size
                row = (path.stem, name, f"{share:g}", plain, size, payload, f"{saved:.4f}")
                writer.writerow(row)
                file.flush()
                print(*row, flush=True)


if __name__ == "__main__":
    main()
