"""Bytes of packed weights against the standard's software, at equal mean squared error.

    python -m scripts compare.weight_coders --peer PYTHON --out TSV

PYTHON is an interpreter with PyPI's nncodec (2.1.3) installed. The tensors are those of the
released model's synthesis and post-filter, as floats. All have the same step, in both coders,
which is what minimises the error for a size. results/README.md defines the columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec import packing
from codec.models.released import load_default
from codec.networks.twins import build_float
from codec.research.arguments import experiment_parser
from codec.research.tables import column
from scripts.compare.peer import TOOLS, run_peer
from scripts.measure.experiment import Experiment

SETS = ("synthesis", "postfilter")
STEPS = (0.05, 0.08, 0.13, 0.2, 0.32, 0.5, 0.8, 1.2)
"""In units of the weights' root mean square: about 6 to 1.5 bits per weight."""
QPS = range(-47, -8, 3)
"""Of the peer: a factor of 1.68 apart in step, from more than 6 bits per weight to 1."""

Tensors = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Point:
    bytes: int
    mse: float


@dataclass(frozen=True)
class Row:
    """One of our files, and the peer's at its error; None beyond what was tried."""

    set: str
    values: int
    step: float = column("g")
    bytes: int
    bits_per_value: float = column(".5g")
    mse: float = column(".5g")
    peer_uniform_bytes: int | None
    peer_uniform_rdo_bytes: int | None
    peer_trellis_bytes: int | None
    peer_trellis_rdo_bytes: int | None
    against_best: float | None = column(".5g")


EXPERIMENT = Experiment(Row, "weight-coders-dense.tsv")


def main() -> None:
    parser = experiment_parser(__doc__, images=False)
    parser.add_argument("--peer", required=True, metavar="PYTHON")
    args = parser.parse_args()
    released = load_default()
    state = build_float(released.config, released.tensors).state_dict()
    rows = EXPERIMENT.open(args.out)
    for name in SETS:
        if rows.lack(set=name):
            tensors = {key: t.numpy() for key, t in state.items() if key.startswith(f"{name}.")}
            curves = peer_curves(args.peer, tensors)
            rows.add(compare(name, tensors, step, curves) for step in STEPS)


def compare(name: str, tensors: Tensors, step: float, curves: list[list[Point]]) -> Row:
    ours = packed_point(tensors, step)
    sizes = [size_at(curve, ours.mse) for curve in curves]
    known = [size for size in sizes if size is not None]
    count = sum(tensor.size for tensor in tensors.values())
    against_best = ours.bytes / min(known) - 1 if known else None
    rate = 8 * ours.bytes / count
    return Row(name, count, step, ours.bytes, rate, ours.mse, *sizes, against_best)


def packed_point(tensors: Tensors, step: float) -> Point:
    """Our file, and the error of what it unpacks to."""
    checkpoint = packing.Checkpoint(
        {key: packing.StoredTensor.of(t, "F32", t.shape) for key, t in tensors.items()}, {}
    )
    data = packing.pack(checkpoint, packing.PackOptions(step, vector_divisor=1))
    restored = packing.unpack(data).tensors
    error = sum(
        np.square(tensor.ravel().astype(np.float64) - restored[key].values()).sum()
        for key, tensor in tensors.items()
    )
    return Point(len(data), error / sum(tensor.size for tensor in tensors.values()))


def peer_curves(python: str, tensors: Tensors) -> list[list[Point]]:
    """The peer's curves: uniform and trellis, each without and with its RDO quantisation."""
    found = run_peer(python, {"all": dict(tensors)}, QPS)["all"]
    return [[Point(one.bytes, one.mse) for one in found if one.tool == tool] for tool in TOOLS]


def size_at(curve: list[Point], mse: float) -> int | None:
    """The size at an error, linear between points in log error; None beyond the curve."""
    points = sorted(curve, key=lambda point: point.mse)
    if not points[0].mse <= mse <= points[-1].mse:
        return None
    logs = np.log([point.mse for point in points])
    return round(float(np.interp(np.log(mse), logs, [point.bytes for point in points])))


if __name__ == "__main__":
    main()
