"""Encodes a photograph, decodes it, and shows what the update of the decoder's weights buys.

    make demo

Writes demo/original.png (a cat, in the public domain), demo/photo.bin and demo/photo.png.
The file with the update is made and read by the command line; the one without it, for comparison,
by the Python interface.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from skimage import data

import codec
from codec.picture import pixels, reading, writing

FOLDER = Path("demo")
QUALITY = 75.0
"""High enough for this photograph to gain by an update."""
LOWEST_PSNR_DB = 25.0
"""Far below what any working build reaches, far above what a broken one does."""


def nncodec(*arguments: str | Path) -> None:
    """Runs the installed command line; ends the demo if it fails."""
    print("$ nncodec", *arguments, flush=True)
    status = subprocess.run([sys.executable, "-m", "codec", *map(str, arguments)]).returncode
    if status:
        sys.exit(status)


def print_row(name: str, size_bytes: int, decoded: np.ndarray, original: np.ndarray) -> None:
    """Prints rate and quality of one file."""
    height, width, _ = original.shape
    bpp = 8 * size_bytes / (height * width)
    psnr_db = pixels.psnr_db(decoded, original)
    print(f"{name:<16}{size_bytes:>10,} B{bpp:>9.3f} bpp{psnr_db:>9.2f} dB")


def main() -> None:
    """Runs the demo."""
    original_png, photo_bin, photo_png = (
        FOLDER / name for name in ("original.png", "photo.bin", "photo.png")
    )
    FOLDER.mkdir(exist_ok=True)
    original = data.chelsea()
    writing.save_png(original, original_png)

    nncodec("encode", "--force", "--quality", str(QUALITY), original_png, photo_bin)
    nncodec("decode", "--force", photo_bin, photo_png)
    decoded = reading.load_pixels(photo_png)

    plain = codec.encode(
        original, codec.EncodeOptions(codec.Lossy(quality=QUALITY), update="none")
    ).data
    print()
    print_row("with update", photo_bin.stat().st_size, decoded, original)
    print_row("without update", len(plain), codec.decode(plain), original)

    if pixels.psnr_db(decoded, original) < LOWEST_PSNR_DB:
        sys.exit(f"demo: {photo_png} is not the photograph that was encoded")


if __name__ == "__main__":
    main()
