"""What sharing one update over several pictures saves.

    python scripts/share_updates.py --images DIR --pattern 'screen_*' --crop 256 --count 8 -q 50

Takes crops from the pictures whose names match, the same number from each, and compares the whole
set of files: without updates, with one each, and with a shared one whose bytes count once.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from codec import DecodeOptions, EncodeOptions, decode, encode, image
from codec.image import psnr_db
from codec.shared import encode_shared


def crops_of(paths: list[Path], side: int, count: int) -> list[np.ndarray]:
    """Crops spread over the pictures."""
    rng = np.random.default_rng(0)
    crops = []
    for index in range(count):
        pixels = image.load(paths[index % len(paths)])
        top, left = (int(rng.integers(size - side + 1)) for size in pixels.shape[:2])
        crops.append(np.ascontiguousarray(pixels[top : top + side, left : left + side]))
    return crops


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--pattern", default="*")
    parser.add_argument("--crop", type=int, default=256)
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("-q", "--quality", type=float, default=50)
    args = parser.parse_args()
    torch.set_num_threads(1)
    crops = crops_of(sorted(args.images.glob(f"{args.pattern}.png")), args.crop, args.count)
    options = EncodeOptions(quality=args.quality, effort=1, verify=False)

    def show(name: str, files: list[bytes], extra: bytes = b"") -> None:
        allowed = DecodeOptions(updates=(extra,) if extra else ())
        found = [
            psnr_db(decode(file, allowed), crop) for file, crop in zip(files, crops, strict=True)
        ]
        size = sum(map(len, files)) + len(extra)
        print(f"{name:12s} {size:7d} B  {np.mean(found):.3f} dB", flush=True)

    for name in ("none", "subspace"):
        chosen = replace(options, update=name)
        show(name, [encode(crop, chosen).data for crop in crops])
    finer = replace(options, quality=args.quality + 3, update="none")
    show("none, q + 3", [encode(crop, finer).data for crop in crops])
    result = encode_shared(crops, options)
    show("shared", list(result.files), result.update)
    print(f"update file {len(result.update)} B")


if __name__ == "__main__":
    main()
