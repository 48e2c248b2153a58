"""Measures the memory that `nncodec encode` and `nncodec decode` take for pictures of any size.

    python -m scripts measure.memory 1500x1000:0 6000x4000:3 --out results/0.1.0/memory.tsv

Sizes with efforts.  Rows have the largest resident memory of the two processes, as the operating
system counts it, and their seconds; they make the table of docs/memory.md.  The pictures are drawn:
waves with some noise.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from codec.research.arguments import experiment_parser
from codec.research.tables import column
from scripts.measure.experiment import DOCS, Experiment, markdown
from scripts.measure.processes import ROOT, run


@dataclass(frozen=True)
class Row:
    """A picture: megabytes at most, and seconds, of both programs."""

    width: int
    height: int
    effort: int
    encode_mb: float = column(".0f")
    encode_s: float = column(".0f")
    decode_mb: float = column(".0f")
    decode_s: float = column(".0f")


def measure(width: int, height: int, effort: int) -> Row:
    """Encodes and decodes a picture of that size."""
    with tempfile.TemporaryDirectory() as folder:
        picture, coded, decoded = (str(Path(folder, f"picture.{s}")) for s in ("ppm", "nni", "png"))
        write_picture(Path(picture), width, height)
        encoding = measured("encode", "-f", "-T", "1", "-e", str(effort), picture, coded)
        return Row(
            width, height, effort, *encoding, *measured("decode", "-f", "-T", "1", coded, decoded)
        )


def memory_table(rows: list[Row]) -> str:
    """One line per case."""
    cells = []
    for row in rows:
        size = f"{row.width} x {row.height} ({row.width * row.height / 1e6:.1f} Mpx)"
        figures = (row.encode_mb, row.encode_s, row.decode_mb, row.decode_s)
        cells.append([size, str(row.effort), *(f"{figure:,.0f}" for figure in figures)])
    heads = ["picture", "effort", "encode (MB)", "encode (s)", "decode (MB)", "decode (s)"]
    return markdown(heads, cells)


EXPERIMENT = Experiment(
    Row, "memory.tsv", DOCS / "memory.md", lambda rows: {"memory": memory_table(rows)}
)


def measured(*arguments: str) -> tuple[float, float]:
    """Megabytes at most, and seconds, of one run of the program."""
    command = [sys.executable, "-m", "codec", arguments[0], "--quiet", *arguments[1:]]
    (seconds, _, megabytes), _ = run(command, os.environ | {"PYTHONPATH": str(ROOT)})
    return megabytes, seconds


def write_picture(path: Path, width: int, height: int) -> None:
    """A PPM file, drawn row by row."""
    rng = np.random.default_rng(0)
    x, colours = np.arange(width)[:, None], np.arange(3)
    with path.open("wb") as file:
        file.write(f"P6 {width} {height} 255\n".encode())
        for y in range(height):
            waves = 60 * np.sin(x / (37 + 11 * colours) + y / 53) + 30 * np.cos(x * y / 9e4)
            row = 128 + waves + rng.integers(-6, 7, (width, 1))
            file.write(row.clip(0, 255).astype(np.uint8).tobytes())


def main() -> None:
    parser = experiment_parser(__doc__, images=False)
    parser.add_argument("cases", nargs="+", metavar="WxH:EFFORT")
    args = parser.parse_args()
    rows = EXPERIMENT.open(args.out)
    for case in args.cases:
        width, height, effort = map(int, case.replace("x", ":").split(":"))
        if rows.lack(width=width, height=height, effort=effort):
            rows.add([measure(width, height, effort)])
    rows.fill()


if __name__ == "__main__":
    main()
