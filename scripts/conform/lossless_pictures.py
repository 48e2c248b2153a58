"""Whether odd pictures come back from lossless files, pixel for pixel.

    python -m scripts conform.lossless_pictures --count 1000

Sizes down to one pixel, and of one row or column; constant, noisy, grey, striped, of two colours,
and steep.  Every fourth has an update if it pays.  Prints how many came back, and stops at the
first that did not.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter

import numpy as np
from numpy.typing import NDArray

import codec

LONGEST_PX = 40
KINDS = ("constant", "noise", "grey", "stripes", "two-colours", "ramp", "extremes")
EVERY = 4
"""One in so many is searched for an update."""


def picture(kind: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A random picture of a kind: uint8 [h w 3]."""
    height, width = (1 if rng.random() < 0.15 else rng.integers(1, LONGEST_PX) for _ in range(2))
    shape = (height, width, 3)
    y, x = np.mgrid[:height, :width]
    if kind == "constant":
        pixels = np.broadcast_to(rng.integers(0, 256, 3), shape)
    elif kind == "noise":
        pixels = rng.integers(0, rng.integers(1, 257), shape)
    elif kind == "grey":
        pixels = np.repeat(rng.integers(0, 256, (height, width, 1)), 3, 2)
    elif kind == "stripes":
        pixels = 255 * ((x // rng.integers(1, 5) + y // rng.integers(1, 9)) % 2)[..., None]
        pixels = pixels * rng.integers(0, 2, 3)
    elif kind == "two-colours":
        pixels = rng.integers(0, 256, (2, 3))[rng.integers(0, 2, (height, width))]
    elif kind == "ramp":
        pixels = (x[..., None] * rng.integers(-9, 10, 3) + y[..., None] * 5) % 256
    else:
        pixels = 255 * rng.integers(0, 2, shape)
    return np.ascontiguousarray(pixels, np.uint8)


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    count = parser.parse_args().count
    rng, kinds, updates = np.random.default_rng(7), Counter(), 0
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        pixels = picture(kind, rng)
        effort = 1 if number % EVERY == 0 else 0
        options = codec.EncodeOptions(codec.Lossless(), effort=effort, verify=False)
        result = codec.encode(pixels, options)
        if not np.array_equal(codec.decode(result.data), pixels):
            print(f"check_lossless: picture {number} ({kind}) is another", file=sys.stderr)
            return 1
        kinds[kind] += 1
        updates += result.report.update_bytes > 0
    found = ", ".join(f"{kinds[kind]} {kind}" for kind in KINDS)
    print(f"{count} pictures came back, {updates} of them with an update: {found}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
