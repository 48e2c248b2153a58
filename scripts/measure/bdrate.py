"""Bjontegaard delta rate: how many more bits a codec needs than an anchor, at equal quality."""

from __future__ import annotations

import sys

from codec.research import bdrate


def main() -> int | None:
    return bdrate.main()


if __name__ == "__main__":
    sys.exit(main())
