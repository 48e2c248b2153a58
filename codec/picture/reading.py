"""Pictures as arrays: uint8 [h w 3], RGB, or [h w 4] with transparency, the right way up.

What changes the look of a picture is kept, converted, or named in a note; what the format cannot
hold at all (animation, floats) is refused.  docs/pictures.md has the table.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from codec.contract.options import METADATA, ReadOptions
from codec.errors import ImageError
from codec.picture import conversion, depth, open_tiff, simple_formats, transparency
from codec.picture.file import PictureFile, refuse_frames, stored_samples
from codec.picture.found import Found
from codec.picture.judging import metadata_of
from codec.picture.metadata import NO_METADATA, Metadata, upright
from codec.picture.notes import Note, of_interest
from codec.picture.opening import explained, open_image
from codec.picture.pixels import Pixels
from codec.picture.scaling import Deep

DEFAULTS = ReadOptions()
HEAD_BYTES = 2**20
"""Enough to know a picture by."""


@dataclass(frozen=True, eq=False)
class Raster:
    """A picture as encoders take it, upright.

    Attributes:
        pixels: uint8 [h w 3], RGB.
        alpha: uint8 [h w], 0 for what is not seen; None if all is opaque.
        metadata: what a file is to hold besides.
        notes: what reading it has lost.
        deep: uint16 [h w 3], what `pixels` were rounded from; None if that is all there was.
        opacity_rounded: whether `alpha` was rounded too.
    """

    pixels: Pixels
    alpha: Pixels | None = None
    metadata: Metadata = NO_METADATA
    notes: tuple[Note, ...] = ()
    deep: Deep | None = None
    opacity_rounded: bool = False

    @property
    def note(self) -> str:
        """The notes in one line; empty if nothing was lost."""
        return "; ".join(note.text for note in self.notes)

    def continued(self) -> Raster:
        """The same, with colours where nothing is seen as a lossy file holds them."""
        if self.alpha is None:
            return self
        return replace(self, pixels=transparency.fill(self.pixels, self.alpha > 0))

    def whole(self) -> Raster:
        """The same without the note that its colours were rounded, for who takes `deep`."""
        if self.deep is None:
            return self
        rest = tuple(note for note in self.notes if note.text != depth.NOTE)
        if self.opacity_rounded:
            rest = (*rest, Note(depth.OPACITY_NOTE))
        return replace(self, notes=rest)

    def unseen_noted(self) -> Raster:
        """The same with a note if its colours would be lost because nothing of it is seen."""
        if self.alpha is None or self.alpha.any():
            return self
        return replace(self, notes=(*self.notes, Note("nothing of it is seen: its opacity is 0")))

    def with_metadata(self, kinds: Collection[str], *, strict: bool = False) -> Raster:
        """The same with some kinds of metadata, and without notes on the others.

        Raises:
            ImageError: something else was lost, and `strict` forbids that.
        """
        notes = tuple(of_interest(self.notes, kinds, METADATA))
        if strict and notes:
            raise ImageError("; ".join(note.text for note in notes) + " (refused by --strict)")
        return replace(self, metadata=self.metadata.only(kinds), notes=notes)


def load_pixels(source: str | Path | bytes | BinaryIO, options: ReadOptions = DEFAULTS) -> Pixels:
    """Reads any picture that Pillow knows: uint8 [h w 3], or [h w 4] with transparency.

    EXIF orientation is applied.

    Raises:
        ImageError: if it is no picture, is damaged, or cannot be held.
        OSError: if the file cannot be opened.
    """
    raster = read_raster(source, options)
    return transparency.join_opacity(raster.pixels, raster.alpha)


def read_raster(source: str | Path | bytes | BinaryIO, options: ReadOptions = DEFAULTS) -> Raster:
    """The same as all that an encoder keeps of a file, and notes on the rest."""
    if isinstance(source, str | Path):
        data = Path(source).read_bytes()
    elif isinstance(source, bytes):
        data = source
    else:
        source.seek(0)
        data = source.read()
    with explained():
        file = PictureFile(data, options)
        samples, metadata = file.read()
        return _raster(samples, metadata, file.found)


def read_metadata(data: bytes) -> Metadata:
    """Reads metadata, with the orientation of the pixels as stored.  Raises as `read_raster`."""
    with explained():
        return PictureFile(data, ReadOptions(max_pixels=None)).metadata()


def is_picture(name: str) -> bool:
    """Whether a file begins like a picture that Pillow knows."""
    try:
        with Path(name).open("rb") as file, explained(), open_image(file.read(HEAD_BYTES)):
            return True
    except ImageError as error:
        return "not an image" not in str(error)  # damaged, say: but no output
    except OSError:
        return True


def from_pillow(image: Image.Image, given: Mapping[str, object] | None = None) -> Raster:
    """A Pillow image and its metadata.

    EXIF orientation is applied to what `Image.open` has given, as long as it is that very object.
    What was made of it (rotated, say) still carries its EXIF, but nobody knows whether it still
    lies on its side: it is taken as it is.

    Args:
        image: of any mode.
        given: metadata in place of its own, as in its `info`; the orientation of an EXIF that is
            given counts, whatever the image is.

    Raises:
        ImageError: it cannot be held.
    """

    def again() -> Image.Image:
        raise ImageError("has 16 bits per sample, of which Pillow gives 8; give its file instead")

    found = Found()
    with explained():
        refuse_frames(image)
        bits = depth.of(image, b"")  # which nobody can tell once it is loaded
        if isinstance(image, TiffImageFile):
            open_tiff.read_tags(image, found)
        else:
            simple_formats.read_info(image, found)
        simple_formats.replace_metadata(given or {}, found)
        key = image.info.get("transparency")
        if image.mode in depth.GREY_MODES and isinstance(key, int):
            found.key = (key,)
        mode = image.mode
        samples = stored_samples(image, bits, again, found)
        if isinstance(image, TiffImageFile):
            samples = open_tiff.as_meant(image, samples)
    metadata = metadata_of(found, is_grey=mode in conversion.GREYS)
    is_as_opened = isinstance(image, ImageFile.ImageFile) or "exif" in (given or {})
    if metadata.orientation != 1 and not is_as_opened:
        found.notes.add(
            f"EXIF orientation {metadata.orientation} not applied, since the picture was changed "
            "after it was opened"
        )
        metadata = metadata.upright()
    return _raster(samples, metadata, found)


def from_samples(samples: NDArray[np.integer], metadata: Metadata = NO_METADATA) -> Raster:
    """An array uint8 or uint16 [h w 3] or [h w 4], RGB or RGBA.

    Raises:
        ImageError: it is not such an array.
    """
    if (
        samples.dtype not in (np.uint8, np.uint16)
        or samples.ndim != 3
        or samples.shape[2] not in (3, 4)
    ):
        raise ImageError(
            "expected uint8 or uint16 pixels [h w 3] or [h w 4], not "
            f"{samples.dtype} {list(samples.shape)}"
        )
    return _raster(samples, metadata, Found())


def _raster(samples: NDArray[np.integer], metadata: Metadata, found: Found) -> Raster:
    """The picture of samples as stored."""
    colour = samples if samples.ndim == 3 else np.dstack([samples] * 3)
    if metadata.orientation != 1:
        colour = upright(colour, metadata.orientation)
        metadata = metadata.upright()
    if colour.dtype == np.uint8:
        eight = transparency.split_opacity(colour.astype(np.uint8, copy=False))
        return Raster(*eight, metadata, tuple(found.notes))
    found.notes.add(depth.NOTE)
    pixels, alpha = transparency.split_opacity(depth.to_eight(colour))
    opacity = colour[..., 3:]
    return Raster(
        pixels,
        alpha,
        metadata,
        tuple(found.notes),
        np.ascontiguousarray(colour[..., :3], np.uint16),
        bool((opacity != depth.to_eight(opacity) * np.uint16(depth.STEP)).any()),
    )
