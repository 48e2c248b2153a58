"""THE table of picture formats: their names, and what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codec import files
from codec.errors import OutputError

CODED_SUFFIX = ".nni"


@dataclass(frozen=True)
class Format:
    """A format that pictures are written in.

    Attributes:
        name: as options call it.
        suffixes: of its files; new ones get the first.
        pillow: Pillow's name.
        holds: which metadata: kinds of `codec.contract.options.METADATA`, and "dpi".
        alpha: whether it holds an opacity.
        exact: whether pixels come back as they were.
        deep: whether it holds 16 bits a sample as this program writes it.
        is_content: whether it can stand below the post-filter, and carry an update.
        options: how Pillow's writer is called for a decoded picture.
    """

    name: str
    suffixes: tuple[str, ...]
    pillow: str
    holds: frozenset[str]
    alpha: bool = True
    exact: bool = True
    deep: bool = False
    is_content: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


ALL = frozenset({"icc", "exif", "xmp", "iptc", "dpi"})
EMBEDDED = frozenset({"icc", "exif", "xmp"})

FORMATS = (
    # Decoded photographs (cid22_val): 2 to 5 % larger than at level 6, in 37 % of its time.
    Format("png", (".png",), "PNG", ALL, deep=True, options={"compress_level": 3}),
    Format(
        "jpeg",
        (".jpg", ".jpeg", ".jpe", ".jfif"),
        "JPEG",
        ALL,
        alpha=False,
        exact=False,
        is_content=True,
        options={"quality": 95, "subsampling": "4:4:4", "optimize": True},
    ),
    Format(
        "webp",
        (".webp",),
        "WEBP",
        EMBEDDED,
        is_content=True,
        options={"lossless": True, "exact": True},
    ),
    Format(
        "avif",
        (".avif",),
        "AVIF",
        EMBEDDED,
        exact=False,
        is_content=True,
        options={"quality": 95, "subsampling": "4:4:4", "max_threads": 1},
    ),
    Format("tiff", (".tif", ".tiff"), "TIFF", ALL, options={"compression": "tiff_adobe_deflate"}),
    Format("ppm", (".ppm", ".pnm"), "PPM", frozenset(), alpha=False, deep=True),
)
PNG = FORMATS[0]
BY_NAME = {form.name: form for form in FORMATS}
SUFFIXES = {
    "learned": CODED_SUFFIX,
    **{form.name: form.suffixes[0] for form in FORMATS if form.is_content},
}
"""Content -> suffix of new files."""
PICTURE_SUFFIXES = frozenset(suffix for form in FORMATS for suffix in form.suffixes) | frozenset(
    ".apng .bmp .dds .dib .gif .heic .heif .hif .icns .ico .j2k .jp2 .jpf .jpx .jxl .mpo .pbm .pcx "
    ".pgm .psd .qoi .sgi .tga "
    # Pictures that no reader here knows: a folder's are named, and fail.
    ".arw .cr2 .cr3 .dng .exr .hdr .jxr .nef .orf .raf .rw2 .xcf".split()
)
"""What counts as a picture in a folder.  A file that is named itself is always tried."""


def is_picture_name(path: Path) -> bool:
    """Whether a file is named like a picture."""
    return path.suffix.lower() in PICTURE_SUFFIXES


def format_of_name(name: str) -> Format | None:
    """The format that a file is named for, if it is one that can be written."""
    suffix = Path(name).suffix.lower()
    return next((form for form in FORMATS if suffix in form.suffixes), None)


def format_named_for(name: str) -> str | None:
    """The standard format that a file is named for: "jpeg", "webp", "avif" or None."""
    found = format_of_name(name)
    return found.name if found and found.is_content else None


def check_name(name: str, content: str) -> None:
    """Refuses to write a standard file under the name of another format.

    Raises:
        OutputError: it is named like a picture, but not like one of that content.
    """
    if (
        not files.is_stream(name)
        and is_picture_name(Path(name))
        and format_named_for(name) != content
    ):
        raise OutputError(f"would be a {content.upper()} file; name it like one")
