"""Which format the name of a file speaks of."""

from __future__ import annotations

from pathlib import Path

from codec import files
from codec.errors import OutputError

SUFFIXES = {"learned": ".nni", "jpeg": ".jpg", "webp": ".webp", "avif": ".avif"}
"""Content -> suffix of new files."""
CODED_SUFFIX = SUFFIXES["learned"]
STANDARD_SUFFIXES = {
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jpe": "jpeg",
    ".jfif": "jpeg",
    ".webp": "webp",
    ".avif": "avif",
}
"""Suffix -> content of the standard file that a name promises."""
PICTURE_SUFFIXES = frozenset(STANDARD_SUFFIXES) | frozenset(
    ".bmp .gif .jp2 .mpo .pbm .pgm .png .pnm .ppm .qoi .tga .tif .tiff".split()
)
"""What counts as a picture in a folder.  A file that is named itself is always tried."""


def is_picture_name(path: Path) -> bool:
    """Whether a file is named like a picture."""
    return path.suffix.lower() in PICTURE_SUFFIXES


def standard_format(name: str) -> str | None:
    """The standard format that a file is named for: "jpeg", "webp", "avif" or None."""
    return STANDARD_SUFFIXES.get(Path(name).suffix.lower())


def check_name(name: str, content: str) -> None:
    """Refuses to write a standard file under the name of another format.

    Raises:
        OutputError: it is named like a picture, but not like one of that content.
    """
    if (
        not files.is_stream(name)
        and is_picture_name(Path(name))
        and standard_format(name) != content
    ):
        raise OutputError(f"would be a {content.upper()} file; name it like one")
