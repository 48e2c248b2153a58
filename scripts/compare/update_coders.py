"""Bytes of weight updates against the standard's software, at equal PSNR of the filtered picture.

    python -m scripts compare.update_coders --peer PYTHON --images DIR --qualities 30,65 \
        --cache DIR --out results/0.1.0/update-coders.tsv

PYTHON is an interpreter with PyPI's nncodec (2.1.3) installed.  It codes the change of the last
layer's kernel and bias as floats: once the very change that our update decodes to (counted where it
keeps the gain but for 0.01 dB, since a second quantisation only loses), once the least-squares
change, which it may quantise as it likes (counted at our gain).  Of its tools (uniform or
trellis-coded, with or without RDO) and steps the best one counts, picture by picture.  The last two
columns are the same integer levels, of the technique `last-layer`, in both coders.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
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
from codec.networks.integers import FRACTION_BITS, PARAMETER_BITS
from codec.networks.units import unit_weight
from codec.research.arguments import experiment_parser, list_images, numbers
from codec.research.tables import column
from scripts.compare.contents import Coded, coded
from scripts.compare.peer import Recoded, run_peer
from scripts.measure.experiment import DOCS, Experiment, markdown

TOLERANCE_DB = 0.01
RIDGE = 1e-4
QPS = range(-42, -11, 3)
LOSSLESS = (0, 0)
"""The tool that codes integers at QP 0: none of those that lose."""
Change = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Kernel [m in 3 3] and bias [m]."""


@dataclass(frozen=True)
class Row:
    """A picture; see results/README.md.  None: beyond the finest step that was tried."""

    images: str
    image: str
    content: str
    quality: float = column("g")
    ours_bytes: int
    gain_db: float = column(".4f")
    peer_same_change_bytes: int | None
    peer_least_squares_bytes: int | None
    ours_levels_bytes: int
    peer_levels_bytes: int | None


class Case:
    """One picture: its equations, our updates, and what the peer is to code."""

    def __init__(self, case: Coded) -> None:
        task, content, model = case.task, case.content, case.task.model
        postfilter, quality = model.postfilter, centred(task.half)
        self.normal = equations(Filtering(content.unfiltered, postfilter, quality), task.original)
        self.shape = tuple(postfilter.leave.weight.shape)
        weight = unit_weight(content.weight)
        self.ours, self.changes = 0, {}
        fitted = fit(FitTask(self.normal, model.subspace, model.tables, weight), thorough=True)
        if fitted is not None:
            packed = subspace_payload.pack(fitted.payload, model.subspace.scales, model.tables)
            self.ours = len(packed) + 1
            kernel, bias = model.subspace.change(fitted.payload, self.shape)
            self.changes["same"] = (
                kernel / 2**PARAMETER_BITS,
                bias / 2 ** (PARAMETER_BITS + FRACTION_BITS),
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


def best_size(case: Case, found: list[Recoded], gain: float) -> int | None:
    """The peer's fewest bytes at a gain, linear between the steps of a tool; None if out of reach.

    Only neighbouring steps are joined, so that a size is never better than what was written.
    """
    curves: dict[tuple[int, int], list[tuple[float, int]]] = {}
    for one in found:
        point = case.gain_db((one.tensors["kernel"], one.tensors["bias"])), one.bytes
        curves.setdefault(one.tool, []).append(point)
    sizes = []
    for points in curves.values():
        points.sort(key=lambda point: point[1])
        for (low, small), (high, large) in itertools.pairwise(points):
            if low < gain <= high:
                sizes.append(small + (large - small) * (gain - low) / (high - low))
                break
    return round(min(sizes)) if sizes else None


@torch.no_grad()
def measure(path: Path, content: str, quality: float, cache: Path, peer: str) -> Iterator[Row]:
    """A row, if our search sends an update."""
    case = Case(coded(path, content, quality, cache))
    if not case.ours:
        return
    groups = {
        name: {"kernel": kernel, "bias": bias} for name, (kernel, bias) in case.changes.items()
    }
    integers = {name: groups.pop(name) for name in ("levels",) if name in groups}
    found = run_peer(peer, groups, QPS, keep=True)
    found |= run_peer(peer, integers, (0,), (LOSSLESS,)) if integers else {}
    gain = case.gain_db(case.changes["same"])
    yield Row(
        path.parent.name,
        path.stem,
        content,
        quality,
        case.ours,
        gain,
        best_size(case, found["same"], gain - TOLERANCE_DB),
        best_size(case, found["solution"], gain),
        case.levels_bytes,
        found["levels"][0].bytes if integers else None,
    )


def coders_table(rows: list[Row]) -> str:
    """Mean bytes of ours and the peer's."""
    lines = []
    for title, ours, peer in (
        ("the change that our update decodes to", "ours_bytes", "peer_same_change_bytes"),
        ("the least-squares change", "ours_bytes", "peer_least_squares_bytes"),
        ("the same levels, of `last-layer`", "ours_levels_bytes", "peer_levels_bytes"),
    ):
        pairs = [(getattr(row, ours), getattr(row, peer)) for row in rows if getattr(row, peer)]
        if not pairs:
            continue
        first, second = (statistics.mean(column) for column in zip(*pairs, strict=True))
        figures = f"{first:.0f}", f"{second:.0f}", f"{1 - first / second:.0%}"
        lines.append([title, str(len(pairs)), *figures])
    heads = ["what the standard's software codes", "pictures", "ours (B)", "its (B)", "less"]
    return markdown(heads, lines)


EXPERIMENT = Experiment(
    Row,
    "update-coders.tsv",
    DOCS / "weight-update.md",
    lambda rows: {"update-coders": coders_table(rows)},
)


def main() -> None:
    parser = experiment_parser(__doc__)
    parser.add_argument("--peer", required=True, metavar="PYTHON")
    parser.add_argument("--qualities", type=numbers, default=(30.0, 65.0), metavar="Q,Q")
    parser.add_argument("--content", default="learned")
    parser.add_argument("--cache", type=Path, default=Path("contents"), metavar="DIR")
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = EXPERIMENT.open(args.out)
    for path in list_images(args.images, args.every):
        for quality in args.qualities:
            case = {"image": path.stem, "content": args.content, "quality": quality}
            if rows.lack(images=args.images.name, **case):
                rows.add(measure(path, args.content, quality, args.cache, args.peer))
    rows.fill()


if __name__ == "__main__":
    main()
