"""Measures the memory that `nncodec encode` and `nncodec decode` take for pictures of any size.

    python -m scripts measure.memory 1500x1000:0 6000x4000:3 --out results/0.1.0/memory.tsv

Sizes with efforts.  Rows have the largest resident memory of the two processes, as the operating
system counts it, and their seconds; they make the table of docs/memory.md.  The pictures are drawn:
waves with some noise.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from scripts.measure.documents import fill, markdown
from scripts.measure.tables import read_table

COLUMNS = ("width", "height", "effort", "encode_mb", "encode_s", "decode_mb", "decode_s")
DOCUMENT = Path("docs/memory.md")
ROOT = Path(__file__).parents[2]
UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in which systems count memory."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", nargs="+", metavar="WxH:EFFORT")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.tsv")
    args = parser.parse_args()
    with args.out.open("w", encoding="utf-8") as file:
        print(*COLUMNS, sep="\t", file=file)
        for size, effort in (case.split(":") for case in args.cases):
            width, height = map(int, size.split("x"))
            print(width, height, effort, *measure(width, height, effort), sep="\t", file=file)
            file.flush()
    text = fill(DOCUMENT.read_text(encoding="utf-8"), "memory", memory_table(args.out))
    DOCUMENT.write_text(text, encoding="utf-8")


def measure(width: int, height: int, effort: str) -> tuple[str, ...]:
    """Megabytes and seconds of encoding and of decoding."""
    with tempfile.TemporaryDirectory() as folder:
        picture, coded, decoded = (str(Path(folder, f"picture.{s}")) for s in ("ppm", "nni", "png"))
        write_picture(Path(picture), width, height)
        runs = (
            measured("encode", "-f", "-T", "1", "-e", effort, picture, coded),
            measured("decode", "-f", "-T", "1", coded, decoded),
        )
    return tuple(f"{figure:.0f}" for run in runs for figure in run)


def memory_table(path: Path) -> str:
    """One line per case."""
    cells = []
    for row in read_table(path):
        width, height = int(row["width"]), int(row["height"])
        size = f"{width} x {height} ({width * height / 1e6:.1f} Mpx)"
        figures = (f"{int(row[name]):,}" for name in COLUMNS[3:])
        cells.append([size, row["effort"], *figures])
    heads = ["picture", "effort", "encode (MB)", "encode (s)", "decode (MB)", "decode (s)"]
    return markdown(heads, cells)


def measured(*arguments: str) -> tuple[float, float]:
    """Megabytes at most, and seconds, of one run of the program."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "codec", arguments[0], "--quiet", *arguments[1:]],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"nncodec {' '.join(arguments)} failed")
    return usage.ru_maxrss * UNIT / 1e6, time.perf_counter() - start


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


if __name__ == "__main__":
    main()
