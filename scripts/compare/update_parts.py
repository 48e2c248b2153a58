r"""Parts of the update compared on the same normal equations: selection, quantiser, entropy coder.

    python -m scripts compare.update_parts --images DIR --pictures A,B --train DIR --cache DIR \
        --out TSV

Everything here is an exact quadratic and an ideal code length (real codewords where a row says so),
not a file: what a picture would save in bits, as a share of its content.  Rows of a selection keep
R coordinates of the subspace, or R parameters of the last layer; its scores are learned on
--train pictures.  results/README.md defines the columns, docs/weight-update.md discusses them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from bitstream import TensorLayout, UpdatePayload
from bitstream.coding.binary_coder import BinaryEncoder, Context
from bitstream.update import levels as levels_payload
from bitstream.update import subspace as subspace_payload
from bitstream.update.subspace import table_of
from codec.models.subspace import Subspace
from scripts.compare.contents import Coded, coded
from scripts.compare.update_problems import Problem, normal_of, problem_of
from scripts.compare.update_selections import kept, selections

KEPT = (64, 256, 1024)
"""Coordinates that a selection leaves."""
COLUMNS = "images image content quality part variant bits saved_percent".split()


def quantisers(problem: Problem) -> dict[str, tuple[float, float]]:
    """Name -> bits and saving."""
    exact = np.linalg.solve(
        problem.gram + 1e-3 * problem.gram.trace() / len(problem.gram) * np.eye(len(problem.gram)),
        problem.cross,
    )
    found = {}
    for dead_zone in (0.5, 0.6, 0.75, 1.0):
        levels = np.sign(exact) * np.floor(np.abs(exact) + 1 - dead_zone)
        levels = np.clip(levels, -127, 127)
        bits = problem.bits(levels)
        found[f"dead zone {dead_zone:g}"] = bits, problem.saving(levels, bits)
        # Support fixed, the survivors solved for again.
        support = levels != 0
        levels, _ = Problem(problem.gram, problem.cross, 0 * problem.costs, 0, 0, 0).solve(support)
        bits = problem.bits(levels)
        found[f"dead zone {dead_zone:g}, survivors re-tuned"] = bits, problem.saving(levels, bits)
    levels, saving = problem.solve()
    found["rate-distortion optimal"] = problem.bits(levels), saving
    best = (0.0, 0.0)
    for coarser in (1.0, 1.5, 2.0, 3.0):
        scaled = Problem(problem.gram * coarser**2, problem.cross * coarser, problem.costs, 0, 0, 0)
        levels, saving = scaled.solve(most=1)
        best = max(best, (problem.bits(levels), saving), key=lambda pair: pair[1])
    found["unified magnitudes (0, +-c), best c"] = best
    return found


def coders(problem: Problem, subspace: Subspace, case: Coded) -> dict[str, float]:
    """Bits of real codewords of the product's levels."""
    model = case.job.model
    levels = problem.solve()[0].astype(np.int32)
    payload = subspace_payload.SubspacePayload(0, problem.spread, levels)
    static = len(subspace_payload.pack(payload, subspace.scales, model.tables))
    layout = (TensorLayout(*levels.shape, 0),)
    adaptive = len(levels_payload.pack(UpdatePayload((0,), (levels,)), layout))
    return {
        "prior per coordinate": 8.0 * static,
        "adaptive, one set of contexts": 8.0 * adaptive,
        "adaptive, contexts per class of the prior": 8.0 * _both(problem, subspace, model.tables),
    }


def _both(problem: Problem, subspace: Subspace, tables: object) -> int:
    """Bytes with adaptive contexts that start from the prior: two octaves share a set."""
    levels = problem.solve()[0].astype(np.int64)
    classes = table_of(subspace.scales, problem.spread, tables) // 8
    contexts: dict[tuple[int, int], Context] = {}
    encoder = BinaryEncoder()
    for level, kind, costs in zip(
        levels.ravel().tolist(),
        classes.ravel().tolist(),
        problem.costs.reshape(len(problem.costs), -1).T,
        strict=True,
    ):
        magnitude, tail = abs(level), 1.0
        for threshold in range(min(magnitude, 14) + 1):
            mass = 2.0 ** -costs[threshold] * (1 if threshold == 0 else 2)
            more = min(max(1 - mass / tail, 2**-12), 1 - 2**-12)
            key = kind, threshold
            if key not in contexts:
                contexts[key] = Context(round(more * 2**16))
            encoder.code(int(magnitude > threshold), contexts[key])
            tail = max(tail - mass, 1e-9)
        if level:
            encoder.bypass(int(level < 0), 1)
        if magnitude > 14:
            encoder.bypass(magnitude - 15, 7)
    return len(encoder.finish())


@torch.no_grad()
def problems(args: argparse.Namespace, folder: Path, names: list[str], qualities: list[float]):
    """Coded pictures with their problems, those that send an update."""
    for name in names:
        for quality in qualities:
            case = coded(folder / name, args.content, quality, args.cache)
            problem = problem_of(case, normal_of(case))
            if problem is not None:
                yield case, quality, problem


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, action="append", required=True)
    parser.add_argument("--pictures", required=True)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--train-pictures", type=int, default=12)
    parser.add_argument("--content", default="learned")
    parser.add_argument("--cache", type=Path, default=Path("contents"))
    parser.add_argument("--out", type=Path, required=True, metavar="TSV")
    args = parser.parse_args()
    torch.set_num_threads(1)
    files = sorted(path for path in args.train.rglob("*") if path.suffix in (".jpg", ".png"))
    chosen = files[:: max(1, len(files) // args.train_pictures)][: args.train_pictures]
    training = []
    for index, path in enumerate(chosen):
        quality = [(30.0, 65.0)[index % 2]]
        training += [p for *_, p in problems(args, path.parent, [path.name], quality)]
        print(f"training {index + 1} of {len(chosen)}", flush=True)
    lines = ["\t".join(COLUMNS)]
    scores = None
    for folder in args.images:
        names = [f"{n}.png" for n in args.pictures.split(",") if (folder / f"{n}.png").exists()]
        for case, quality, problem in problems(args, folder, names, [30.0, 65.0]):
            subspace = case.job.model.subspace
            scores = scores or selections(training, subspace)
            found = [("quantiser", *entry) for entry in quantisers(problem).items()]
            whole = problem.solve()
            found += [
                ("coder", name, (bits, whole[1] + problem.bits(whole[0]) - bits))
                for name, bits in coders(problem, subspace, case).items()
            ]
            found.append(("selection", "all", (problem.bits(whole[0]), whole[1])))
            for name, score in scores.items():
                for count in KEPT:
                    levels, saving = problem.solve(kept(score, count))
                    mask = kept(score, count)
                    bits = problem.bits(np.where(mask, levels, 0)) - problem.costs[0][~mask].sum()
                    found.append(("selection", f"{name}, {count}", (bits, saving)))
            place = f"{folder.name}\t{case.name}\t{args.content}\t{quality:g}"
            lines += [
                f"{place}\t{part}\t{name}\t{bits:.0f}\t{100 * saving / problem.size:.3f}"
                for part, name, (bits, saving) in found
            ]
            print(case.name, quality, flush=True)
            args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
