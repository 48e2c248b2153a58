"""Seconds to code and decode a weight update of 20,000 parameters, by both entropy coders.

    python -m scripts compare.time_update_coders --out results/0.1.0/update-coding-seconds.tsv

The levels are random, with the given share of values that are not zero (a Laplace density rounded).
Each time is the best of several runs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bitstream import TensorLayout, UpdatePayload
from bitstream.update import levels as kernels
from bitstream.update import subspace
from codec.models.released import load_default
from codec.networks.likelihood import LOG2_SCALE_MIN, LOG2_SCALE_SPACING

ROWS, COLUMNS = 1250, 16
"""20,000 parameters."""
SHARES = (0.01, 0.05, 0.2)
RUNS = 5
COLUMN_NAMES = ("coder", "parameters", "nonzero_percent", "bytes", "encode_ms", "decode_ms")


def best(run: Callable[[], object]) -> float:
    """Milliseconds."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


def random_levels(share: float) -> NDArray[np.int32]:
    """Levels of which so many are not zero: a Laplace density of that tail, rounded."""
    rng = np.random.default_rng(0)
    scale = -0.5 / np.log(share)
    return np.round(rng.laplace(0, scale, (ROWS, COLUMNS))).astype(np.int32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, metavar="TSV")
    args = parser.parse_args()
    tables, layout = load_default().tables, (TensorLayout(ROWS, COLUMNS, 0),)
    lines = ["\t".join(COLUMN_NAMES)]
    for share in SHARES:
        levels = random_levels(share)
        deviation = max(float(levels.std()), 1e-2)
        index = round((np.log2(deviation * 3**0.5 / np.pi) - LOG2_SCALE_MIN) / LOG2_SCALE_SPACING)
        scales = np.full(levels.shape, max(index, 0), np.int16)
        static = subspace.SubspacePayload(20, 0, levels)
        adaptive = UpdatePayload((0,), (levels,))
        static_bytes = subspace.pack(static, scales, tables)
        adaptive_bytes = kernels.pack(adaptive, layout)
        for name, data, encode, decode in (
            (
                "prior per parameter",
                static_bytes,
                lambda p=static, s=scales: subspace.pack(p, s, tables),
                lambda d=static_bytes, s=scales: subspace.unpack(d, s, tables),
            ),
            (
                "adaptive binary",
                adaptive_bytes,
                lambda p=adaptive: kernels.pack(p, layout),
                lambda d=adaptive_bytes: kernels.unpack(d, layout),
            ),
        ):
            values = name, levels.size, f"{100 * share:g}", len(data)
            lines.append("\t".join(map(str, values)) + f"\t{best(encode):.1f}\t{best(decode):.1f}")
            print(lines[-1], flush=True)
    args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
