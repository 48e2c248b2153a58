"""Arguments that measurements have in common."""

from __future__ import annotations

import argparse
from pathlib import Path


def experiment_parser(text: str, *, images: bool = True) -> argparse.ArgumentParser:
    """Options that most experiments have: --out, and the pictures they measure.

    Args:
        text: the docstring of the experiment.
        images: whether there is --images DIR, of which --every N takes each N-th.
    """
    parser = argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if images:
        parser.add_argument("--images", type=Path, required=True, metavar="DIR")
        parser.add_argument("--every", type=int, default=1, metavar="N", help="take each N-th")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.tsv")
    return parser


def list_images(folder: Path, every: int = 1) -> list[Path]:
    """The PNG files of a folder, by name.

    Raises:
        OSError: there are none.
    """
    paths = sorted(folder.glob("*.png"))[::every]
    if not paths:
        raise OSError(f"{folder}: no PNG images there")
    return paths


def numbers(text: str) -> tuple[float, ...]:
    """Qualities between commas, as an option; each is from 0 to 100."""
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"not numbers between commas: {text}") from None
    if not all(0 <= value <= 100 for value in values):
        raise argparse.ArgumentTypeError(f"not all from 0 to 100: {text}")
    return values
