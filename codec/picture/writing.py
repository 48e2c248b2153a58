"""Pictures and their metadata to files of any format in `formats`."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from codec.errors import ImageError
from codec.picture import formats, iptc
from codec.picture.formats import Format
from codec.picture.metadata import EXIF_PREFIX, NAMES, NO_METADATA, Metadata
from codec.picture.notes import Notes
from codec.picture.pixels import Pixels, Samples

PNG_XMP = b"XML:com.adobe.xmp\0\0\0\0\0"
"""What stands before an XMP packet in PNG: not compressed, no language."""
PNG_IPTC = "Raw profile type iptc"
LONGEST_SEGMENT = 65_533
TIFF_XMP, TIFF_IPTC = 700, 33723
HEX_PER_LINE = 72


def save(pixels: Samples, metadata: Metadata, form: Format, notes: Notes) -> bytes:
    """Writes a picture, the right way up.

    Args:
        pixels: uint8 [h w 3] or [h w 4]; uint16 for formats that hold it, and rounded for others,
            which becomes a note.
        metadata: those that the format does not hold become notes.
        form: the format.
        notes: takes them.

    Raises:
        ImageError: the format does not hold the picture.
    """
    if pixels.shape[2] == 4 and not form.alpha:
        able = ", ".join(other.name for other in formats.FORMATS if other.alpha)
        raise ImageError(
            f"has transparency, which {form.name.upper()} files do not hold; write {able}"
        )
    if pixels.dtype != np.uint8 and form.deep:
        return _save_deep(pixels, metadata, form, notes)
    if pixels.dtype != np.uint8:
        from codec.picture import depth

        notes.add(depth.NOTE)
        pixels = depth.to_eight(pixels)
    file = BytesIO()
    try:
        options = {**form.options, **save_options(metadata, form, notes)}
        Image.fromarray(pixels).save(file, form.pillow, **options)
    except Exception as error:  # Pillow's writers raise almost anything on EXIF that is damaged
        if metadata.exif and "exif" in form.holds:
            notes.add("EXIF is damaged and left out", "exif")
            return save(pixels, metadata.without(("exif",)), form, notes)
        raise ImageError(f"does not fit into a {form.name.upper()} file: {error}") from error
    return file.getvalue()


def _save_deep(samples: Samples, metadata: Metadata, form: Format, notes: Notes) -> bytes:
    """A file of 16 bits a sample; metadata stand in that of a single pixel first."""
    from codec.picture import deep_files

    beside = save(np.zeros((1, 1, 3), np.uint8), metadata, form, notes)
    samples = samples.astype(np.uint16, copy=False)
    return deep_files.png(samples, beside) if form is formats.PNG else deep_files.ppm(samples)


def save_png(pixels: Pixels, file: str | Path | BinaryIO, metadata: Metadata | None = None) -> None:
    """Writes a picture as PNG: uint8 [h w 3] or [h w 4]."""
    options = save_options(metadata or NO_METADATA, formats.PNG, Notes())
    Image.fromarray(pixels).save(file, format="PNG", **formats.PNG.options, **options)


def save_options(metadata: Metadata, form: Format, notes: Notes) -> dict[str, Any]:
    """What Pillow's writer of a format is given to write metadata.

    Args:
        metadata: of the picture.
        form: the format.
        notes: of what it does not hold.
    """
    for kind, name in NAMES.items():
        if getattr(metadata, kind) and kind not in form.holds:
            notes.add(f"{name} does not fit into a {form.name.upper()} file", kind)
    options: dict[str, Any] = {}
    kept = metadata.only(form.holds)
    if kept.icc:
        options["icc_profile"] = kept.icc
    if metadata.dpi and "dpi" in form.holds:
        options["dpi"] = metadata.dpi
    return options | OPTIONS.get(form.name, _embedded)(kept, notes)


def _embedded(metadata: Metadata, _notes: Notes) -> dict[str, Any]:
    found = {"exif": metadata.exif, "xmp": metadata.xmp}
    return {name: value for name, value in found.items() if value}


def _of_png(metadata: Metadata, _notes: Notes) -> dict[str, Any]:
    chunks = PngInfo()
    if metadata.xmp:
        chunks.add(b"iTXt", PNG_XMP + metadata.xmp)
    if metadata.iptc:
        digits = iptc.as_resources(metadata.iptc).hex()
        lines = [digits[at : at + HEX_PER_LINE] for at in range(0, len(digits), HEX_PER_LINE)]
        text = "\n".join(["", "iptc", f"{len(digits) // 2:8}", *lines, ""])
        chunks.add_text(PNG_IPTC, text, zip=True)
    if metadata.icc:
        from codec.picture import profiles

        code_points = profiles.code_points(metadata.icc)
        if code_points:
            chunks.add(b"cICP", code_points)
    return {"pnginfo": chunks} | ({"exif": metadata.exif} if metadata.exif else {})


def _of_jpeg(metadata: Metadata, notes: Notes) -> dict[str, Any]:
    from codec.picture import jpeg

    options: dict[str, Any] = {}
    if len(metadata.exif) > LONGEST_SEGMENT:
        notes.add("EXIF does not fit into one segment of a JPEG file", "exif")
    elif metadata.exif:
        options["exif"] = metadata.exif
    if len(metadata.xmp) + len(jpeg.XMP) > LONGEST_SEGMENT:
        notes.add("XMP does not fit into one segment of a JPEG file", "xmp")
    elif metadata.xmp:
        options["xmp"] = metadata.xmp
    resources = iptc.IDENTIFIER + iptc.as_resources(metadata.iptc)
    if len(resources) > LONGEST_SEGMENT:
        notes.add("IPTC does not fit into one segment of a JPEG file", "iptc")
    elif metadata.iptc:
        length = (len(resources) + 2).to_bytes(2, "big")
        options["extra"] = bytes([0xFF, jpeg.APP13]) + length + resources
    return options


def _of_tiff(metadata: Metadata, _notes: Notes) -> dict[str, Any]:
    exif = Image.Exif()
    if metadata.exif:
        exif.load(EXIF_PREFIX + metadata.tiff)
    if metadata.xmp:
        exif[TIFF_XMP] = metadata.xmp
    if metadata.iptc:
        exif[TIFF_IPTC] = metadata.iptc
    return {"exif": exif}


OPTIONS: dict[str, Callable[[Metadata, Notes], dict[str, Any]]] = {
    "png": _of_png,
    "jpeg": _of_jpeg,
    "tiff": _of_tiff,
    "ppm": lambda _metadata, _notes: {},
}
