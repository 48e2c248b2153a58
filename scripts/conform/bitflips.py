"""Flips every bit of files, one at a time: each flip has to be refused as damage.

    python -m scripts conform.bitflips photo-*.bin

prints per file how many flips were refused, by the class of the error; exits with 1 if a flip went
unnoticed.  A file of 50 kB takes about 20 seconds.  The checksum alone decides, so nothing is
decoded: what `Container.unpack` refuses, no network ever sees.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from bitstream import Container, FormatError

UNNOTICED = "unnoticed"


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", type=Path, nargs="+")
    args = parser.parse_args()
    total: Counter[str] = Counter()
    for path in args.files:
        outcomes = flip_all(path.read_bytes())
        print(f"{path.name}: {describe(outcomes)}", flush=True)
        total += outcomes
    print(f"{len(args.files)} files: {describe(total)}, {total[UNNOTICED]} {UNNOTICED}")
    return int(total[UNNOTICED] > 0)


def flip_all(data: bytes) -> Counter[str]:
    """How often each outcome came, over all bits of a valid file."""
    Container.unpack(data)
    outcomes: Counter[str] = Counter()
    damaged = bytearray(data)
    for bit in range(8 * len(data)):
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            Container.unpack(bytes(damaged))
        except FormatError as error:
            outcomes[type(error).__name__] += 1
        else:
            outcomes[UNNOTICED] += 1
        damaged[bit // 8] ^= 1 << bit % 8
    return outcomes


def describe(outcomes: Counter[str]) -> str:
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(outcomes.items()))
    return f"{outcomes.total():,} bits flipped: {kinds}"


if __name__ == "__main__":
    sys.exit(main())
