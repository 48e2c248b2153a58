"""Measures a codec on a folder of PNG images: one row per image and quality in a TSV file."""

from __future__ import annotations

import sys

from codec.research import evaluate


def main() -> int | None:
    return evaluate.main()


if __name__ == "__main__":
    sys.exit(main())
