"""Measures the memory that `nncodec encode` and `nncodec decode` take for pictures of any size.

    python scripts/measure_memory.py --size 6000x4000 --effort 0 3

Prints a row of docs/memory.md for each effort: the largest resident memory of the two processes, as
the operating system counts it, and their seconds.  The pictures are drawn: waves with some noise.
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

ROOT = Path(__file__).parents[1]
UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in which systems count memory."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", required=True, metavar="WxH", help="in pixels")
    parser.add_argument("--effort", type=int, nargs="+", default=[0], metavar="N")
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        picture, coded = Path(folder, "picture.ppm"), Path(folder, "picture.nni")
        write_picture(picture, width, height)
        for effort in args.effort:
            arguments = ("encode", "-f", "-T", "1", "-e", str(effort), str(picture), str(coded))
            encode_mb, encode_s = measured(*arguments)
            decoded = str(Path(folder, "decoded.png"))
            decode_mb, decode_s = measured("decode", "-f", "-T", "1", str(coded), decoded)
            size = f"{width} x {height} ({width * height / 1e6:.1f} Mpx)"
            print(
                f"| {size} | {effort} | {encode_mb:,.0f} | {encode_s:.0f} "
                f"| {decode_mb:,.0f} | {decode_s:.0f} |",
                flush=True,
            )


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
