"""Bytes of packed weights against the standard's software, at equal mean squared error.

    python -m scripts compare.weight_coders --peer PYTHON --out TSV

PYTHON is an interpreter with PyPI's nncodec (2.1.3) installed. The tensors are those of the
released model's synthesis and post-filter, as floats. All have the same step, in both coders,
which is what minimises the error for a size. results/README.md defines the columns.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codec import packing
from codec.models.released import load_default
from codec.networks.twins import build_float
from scripts.measure.plan import ROOT

SETS = ("synthesis", "postfilter")
STEPS = (0.05, 0.08, 0.13, 0.2, 0.32, 0.5, 0.8, 1.2)
"""In units of the weights' root mean square: about 6 to 1.5 bits per weight."""

Tensors = Mapping[str, NDArray[np.float32]]


@dataclasses.dataclass(frozen=True)
class Point:
    bytes: int
    mse: float


@dataclasses.dataclass(frozen=True)
class Row:
    set: str
    values: int
    step: float
    bytes: int
    bits_per_value: float
    mse: float
    peer_uniform_bytes: int | None
    peer_uniform_rdo_bytes: int | None
    peer_trellis_bytes: int | None
    peer_trellis_rdo_bytes: int | None
    against_best: float | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", required=True, metavar="PYTHON")
    parser.add_argument("--out", type=Path, required=True, metavar="TSV")
    arguments = parser.parse_args()
    released = load_default()
    state = build_float(released.config, released.tensors).state_dict()
    rows = []
    for name in SETS:
        tensors = {key: t.numpy() for key, t in state.items() if key.startswith(f"{name}.")}
        curves = peer_curves(arguments.peer, tensors)
        rows += [compare(name, tensors, step, curves) for step in STEPS]
    columns = [field.name for field in dataclasses.fields(Row)]
    lines = ["\t".join(columns)]
    lines += ["\t".join(text(getattr(row, column)) for column in columns) for row in rows]
    arguments.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def compare(name: str, tensors: Tensors, step: float, curves: list[list[Point]]) -> Row:
    ours = packed_point(tensors, step)
    sizes = [size_at(curve, ours.mse) for curve in curves]
    known = [size for size in sizes if size is not None]
    count = sum(tensor.size for tensor in tensors.values())
    return Row(
        name,
        count,
        step,
        ours.bytes,
        8 * ours.bytes / count,
        ours.mse,
        *sizes,
        ours.bytes / min(known) - 1 if known else None,
    )


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
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tensors.npz"
        np.savez(path, **tensors)
        command = [python, "-m", "scripts.compare.weight_peer", str(path)]
        output = subprocess.run(
            command, check=True, capture_output=True, cwd=ROOT, text=True
        ).stdout
    table = np.loadtxt(io.StringIO(output), delimiter="\t")
    return [
        [Point(int(row[3]), row[4]) for row in table if tuple(row[:2]) == setting]
        for setting in ((0, 0), (0, 1), (1, 0), (1, 1))
    ]


def size_at(curve: list[Point], mse: float) -> int | None:
    """The size at an error, linear between points in log error; None beyond the curve."""
    points = sorted(curve, key=lambda point: point.mse)
    if not points[0].mse <= mse <= points[-1].mse:
        return None
    logs = np.log([point.mse for point in points])
    return round(float(np.interp(np.log(mse), logs, [point.bytes for point in points])))


def text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.5g}"
    return "" if value is None else str(value)


if __name__ == "__main__":
    main()
