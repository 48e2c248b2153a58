"""Draws rate-distortion curves over bits per pixel, means over the images common to all."""

from __future__ import annotations

import sys

from codec.research import plot


def main() -> int | None:
    return plot.main()


if __name__ == "__main__":
    sys.exit(main())
