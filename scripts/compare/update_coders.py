"""Bytes of weight updates against the standard's software, at equal PSNR of the filtered picture.

    python -m scripts compare.update_coders --peer PYTHON --images DIR --qualities 30,65 \
        --cache DIR --out TSV

PYTHON is an interpreter with PyPI's nncodec (2.1.3) installed.  It codes the change of the last
layer's kernel and bias as floats: once the very change that our update decodes to (counted where it
keeps the gain but for 0.01 dB, since a second quantisation only loses), once the least-squares
change, which it may quantise as it likes (counted at our gain).  Of its tools (uniform or
trellis-coded, with or without RDO) and steps the best one counts, picture by picture.  The last two
columns are the same integer levels, of the technique `last-layer`, in both coders.
"""

from __future__ import annotations

import argparse
import itertools
import math
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bitstream.update import levels as levels_payload
from bitstream.update import subspace as subspace_payload
from codec.contract.quality import centred
from codec.decoding.filtering import Filtering
from codec.decoding.parameters import Kernels
from codec.encoding.updates.equations import equations
from codec.encoding.updates.fit import FitTask, fit
from codec.encoding.updates.last_layer import fit_kernels
from codec.encoding.updates.normal import NormalEquations
from codec.networks.fixed_point import PARAMETER_BITS
from codec.networks.units import FRACTION_BITS, unit_weight
from scripts.compare.contents import Coded, coded
from scripts.measure.evaluate import list_images
from scripts.measure.plan import ROOT

TOLERANCE_DB = 0.01
RIDGE = 1e-4
COLUMNS = (
    "images image content quality ours_bytes gain_db peer_same_change_bytes "
    "peer_least_squares_bytes ours_levels_bytes peer_levels_bytes"
).split()
Change = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Kernel [m in 3 3] and bias [m]."""


class Case:
    """One picture: its equations, our updates, and what the peer is to code."""

    def __init__(self, case: Coded) -> None:
        job, content, model = case.job, case.content, case.job.model
        postfilter, quality = model.postfilter, centred(job.half)
        self.normal = equations(Filtering(content.unfiltered, postfilter, quality), job.original)
        self.shape = tuple(postfilter.leave.weight.shape)
        weight = unit_weight(content.weight)
        self.ours, self.changes = 0, {}
        fitted = fit(FitTask(self.normal, model.subspace, model.tables, weight), thorough=True)
        if fitted is not None:
            packed = subspace_payload.pack(fitted.payload, model.subspace.scales, model.tables)
            self.ours = len(packed) + 1
            kernel, bias = model.subspace.change(fitted.payload, postfilter.leave)
            self.changes["same"] = (
                kernel.double().numpy() / 2**PARAMETER_BITS,
                bias.double().numpy() / 2 ** (PARAMETER_BITS + FRACTION_BITS),
            )
            self.changes["solution"] = self.solution()
        self.levels_bytes = 0
        levels = fit_kernels(self.normal, postfilter, weight)
        if levels is not None:
            self.levels_bytes = len(levels_payload.pack(levels, Kernels().layout(postfilter))) + 1
            self.changes["levels"] = (
                levels.levels[-2].reshape(self.shape).astype(np.float64),
                levels.levels[-1][0].astype(np.float64),
            )

    def solution(self) -> Change:
        """The least-squares change."""
        gram = self.normal.gram
        ridge = RIDGE * gram.trace() / len(gram)
        matrix = np.linalg.solve(gram + ridge * np.eye(len(gram)), self.normal.cross)
        return matrix[:-1].T.reshape(self.shape), matrix[-1]

    def gain_db(self, change: Change) -> float:
        return gain_db(self.normal, change)


def gain_db(normal: NormalEquations, change: Change) -> float:
    """PSNR that a change of the last layer gains, before rounding to pixels."""
    kernel, bias = change
    matrix = np.vstack([kernel.reshape(len(bias), -1).T, bias])
    return -10 * math.log10(max(1 - normal.gain(matrix) / normal.energy, 1e-9))


def run_peer(python: str, changes: dict[str, Change]) -> dict[str, NDArray]:
    """What the peer makes of all changes."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "changes.npz", Path(folder) / "found.npz"
        parts = {}
        for name, (kernel, bias) in changes.items():
            parts |= {f"{name}.kernel": kernel, f"{name}.bias": bias}
        np.savez(source, **parts)
        command = [python, "-m", "scripts.compare.update_peer", str(source), str(target)]
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
        with np.load(target) as archive:
            return dict(archive)


def best_size(case: Case, found: dict[str, NDArray], name: str, gain: float) -> int | None:
    """The peer's fewest bytes at a gain, linear between the steps of a tool; None if out of reach.

    Only neighbouring steps are joined, so that a size is never better than what was written.
    """
    curves: dict[str, list[tuple[float, int]]] = {}
    for key in found:
        if key.startswith(f"{name}/") and key.endswith(".bytes"):
            key = key.removesuffix(".bytes")
            change = found[f"{key}.kernel"], found[f"{key}.bias"]
            point = case.gain_db(change), int(found[f"{key}.bytes"])
            curves.setdefault(key.rpartition("/")[0], []).append(point)
    sizes = []
    for points in curves.values():
        points.sort(key=lambda point: point[1])
        for (low, small), (high, large) in itertools.pairwise(points):
            if low < gain <= high:
                sizes.append(small + (large - small) * (gain - low) / (high - low))
                break
    return round(min(sizes)) if sizes else None


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", required=True, metavar="PYTHON")
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--qualities", default="30,65")
    parser.add_argument("--content", default="learned")
    parser.add_argument("--cache", type=Path, default=Path("contents"))
    parser.add_argument("--out", type=Path, required=True, metavar="TSV")
    args = parser.parse_args()
    torch.set_num_threads(1)
    with args.out.open("w", encoding="utf-8") as file:
        file.write("\t".join(COLUMNS) + "\n")
        for path in list_images(args.images):
            for quality in (float(text) for text in args.qualities.split(",")):
                case = Case(coded(path, args.content, quality, args.cache))
                if not case.ours:
                    continue
                gain = case.gain_db(case.changes["same"])
                found = run_peer(args.peer, case.changes)
                levels = found.get("levels/0/0/0.bytes")
                values = (
                    args.images.name,
                    path.stem,
                    args.content,
                    f"{quality:g}",
                    case.ours,
                    f"{gain:.4f}",
                    best_size(case, found, "same", gain - TOLERANCE_DB),
                    best_size(case, found, "solution", gain),
                    case.levels_bytes,
                    "" if levels is None else int(levels),
                )
                line = "\t".join("" if value is None else str(value) for value in values)
                file.write(line + "\n")
                file.flush()
                print(line, flush=True)


if __name__ == "__main__":
    main()
