"""A picture file while it is read: what Pillow is shown of it, what it says, its samples."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from codec.contract.options import ReadOptions
from codec.errors import ImageError
from codec.picture import (
    big_tiff,
    conversion,
    deep_files,
    depth,
    exif,
    isobmff,
    jpeg,
    png,
    settings,
    simple_formats,
    tiff,
    transparency,
)
from codec.picture.found import Found, opacity
from codec.picture.judging import metadata_of
from codec.picture.metadata import EXIF_PREFIX, Metadata
from codec.picture.opening import check_size, open_image

UPRIGHT_ALREADY = {"JXL", "HEIF"}
"""Formats whose decoders turn the picture, whatever EXIF says."""
HINT = "; --truncated takes what is there"


class PictureFile:
    """A file while it is read.

    Attributes:
        found: what it says besides its pixels.
        shown: the file as Pillow is to see it.
    """

    def __init__(self, data: bytes, options: ReadOptions) -> None:
        self.found = Found()
        self.shown = self._data = data = big_tiff.as_classic(data)
        self._options = options
        self._described = False
        self._layout: tiff.Layout | None = None
        if data.startswith(png.SIGNATURE):
            self.shown = png.split(data, self.found, truncated=options.truncated)
            self._described = True
        elif data.startswith(jpeg.SOI + b"\xff") and not options.frame:
            self.shown = jpeg.split(data, self.found, truncated=options.truncated)
            self._described = True
        elif data[:4] in tiff.HEADS:
            self._layout = tiff.Layout(data, options.frame)
            self.shown = self._layout.data
        elif isobmff.brands(data) & isobmff.AVIF_BRANDS:
            self.shown = self._with_sound_exif()

    def _with_sound_exif(self) -> bytes:
        """An AVIF file that Pillow opens, which it refuses to if EXIF is damaged."""
        try:
            open_image(self._data).close()
        except (UnidentifiedImageError, ValueError):
            self.found.notes.add("EXIF is damaged and left out", "exif")
            return isobmff.without_exif(self._data)
        return self._data

    def opened(self) -> ImageFile.ImageFile:
        """The file at the frame that counts."""
        image = open_image(self.shown, allowed=self._options.max_pixels)
        check_size(image.size, self._options.max_pixels)
        frame = self._layout.page if self._layout else self._options.frame
        if frame is None:
            refuse_frames(image)
            return image
        frames = max(getattr(image, "n_frames", 1), 1)  # Photoshop's layers may be none
        if frame >= frames:
            raise ImageError(f"has {frames} frames, so there is no frame {frame}")
        if frame:
            with settings.held(pixels=math.prod(image.size)):
                image.seek(frame)
        check_size(image.size, self._options.max_pixels)
        return image

    def describe(self, image: ImageFile.ImageFile) -> None:
        """Lets `found` know what the open file says."""
        if self._described:
            return
        self._described = True
        if self._layout:
            self._layout.describe(self.found)
            return
        simple_formats.read_info(image, self.found)
        simple_formats.read_format(image, self._data, self.found)
        tiff_part = self.found.exif.removeprefix(EXIF_PREFIX)
        if image.format in UPRIGHT_ALREADY and exif.is_sound(tiff_part):
            self.found.exif = exif.upright(tiff_part)

    def read(self) -> tuple[NDArray[np.integer], Metadata]:
        """Samples as stored, [h w 3] or [h w 4] or [h w], of 8 or 16 bits, and the metadata."""
        with self.opened() as image:
            self.describe(image)
            mode, bits = image.mode, depth.of(image, self._data)
            self._load(image)
            samples: NDArray[np.integer]
            if png.is_grey_alpha_16(self._data):
                samples = depth.grey_alpha_of(np.asarray(image), ">")
            elif self._layout and self._layout.is_pairs:
                samples = depth.grey_alpha_of(np.asarray(image), self._layout.order)
            elif (deep := deep_files.read_ppm(self.shown)) is not None:
                samples = deep
            else:
                samples = stored_samples(image, bits, self._twin, self.found)
        if self.found.lacks_opacity and samples.ndim == 3:
            samples = samples[..., :3]
        if self.found.covers:
            samples = self._over_nothing(samples)
        if self._layout:
            samples = self._layout.finished(samples)
        return samples, metadata_of(self.found, is_grey=mode in conversion.GREYS)

    def metadata(self) -> Metadata:
        """The metadata, with the orientation of the samples as stored."""
        with self.opened() as image:
            self.describe(image)
            return metadata_of(self.found, is_grey=image.mode in conversion.GREYS)

    def _over_nothing(self, samples: NDArray[np.integer]) -> NDArray[np.integer]:
        """The samples with an opacity: none where the first picture of an animation is not."""
        left, top, right, bottom = self.found.covers
        beside = np.ones(samples.shape[:2], bool)
        beside[top:bottom, left:right] = False
        if not beside.any():
            return samples
        if self._options.frame:
            self.found.notes.add("what the first frame leaves open is shown in a colour")
            return samples
        opaque = np.full(samples.shape[:2], transparency.OPAQUE, samples.dtype)
        shown = samples if samples.shape[2] == 4 else np.dstack([samples, opaque])
        shown[beside, 3] = 0
        return shown

    def _twin(self) -> Image.Image:
        """The same picture with the other bytes of its samples."""
        image = self.opened()
        depth.take_other_bytes(image)
        self._load(image)
        return image

    def _load(self, image: ImageFile.ImageFile) -> None:
        """Decodes the pixels, or as many as there are if that will do."""
        if isinstance(image, TiffImageFile) and image._im is None:
            # Else Pillow would do it, but hold its own limit against the size.
            image.im = Image.new(image.mode, image._tile_size, None).im
        try:
            with settings.held(pixels=math.prod(image.size)):
                image.load()
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            if not self._options.truncated or image._im is None:
                hint = "" if self._options.truncated or "truncated" not in str(error) else HINT
                raise ImageError(f"is a damaged image: {error}{hint}") from error
            self.found.notes.add("cut short or damaged: what could not be read is made up")
            image.tile = []


def stored_samples(
    image: Image.Image, bits: depth.Bits, twin: Callable[[], Image.Image], found: Found
) -> NDArray[np.integer]:
    """Samples as stored, or converted: [h w], [h w 3] or [h w 4], of 8 or 16 bits."""
    samples: NDArray[np.integer]
    if bits is depth.Bits.EIGHT:
        samples = conversion.rgb_of(image, found)
    else:
        samples = depth.read_deep(image, bits, twin)
        if samples.dtype == np.uint8:  # Pillow has rounded them
            found.notes.add(depth.NOTE)
    return _with_key(samples, found.key) if found.key else samples


def _with_key(samples: NDArray[np.integer], key: tuple[int, ...]) -> NDArray[np.integer]:
    """The samples with an opacity: none where they are the one transparent value."""
    top = np.iinfo(samples.dtype).max if samples.dtype != np.int32 else 65535
    plane = samples if samples.ndim == 2 or len(key) == 3 else samples[..., 0]
    alpha = (opacity(plane, key) * top).astype(samples.dtype)
    return np.dstack([*([samples] * 3 if samples.ndim == 2 else [samples]), alpha])


def refuse_loss(image: Image.Image, data: bytes) -> None:
    """Raises ImageError for the picture of an open file that 8-bit RGB does not hold."""
    refuse_frames(image)
    if depth.of(image, data) is not depth.Bits.EIGHT:
        raise ImageError(f"has more than 8 bits per sample; {depth.ADVICE}")
    if image.mode not in conversion.DIRECT:
        raise ImageError(f"is in colour mode {image.mode}; convert it to RGB first")
    if image.has_transparency_data:
        if np.asarray(image.convert("RGBA").getchannel("A")).min() < transparency.OPAQUE:
            raise ImageError("has transparency; flatten it onto a background first")


def refuse_frames(image: Image.Image) -> None:
    """Raises ImageError for an animation."""
    # A phone's MPO file keeps previews and depth maps behind the photograph; only the first counts.
    # The first of Photoshop's is what its layers give together.
    frames = 1 if image.format in ("MPO", "PSD") else getattr(image, "n_frames", 1)
    if frames > 1:
        raise ImageError(f"has {frames} frames; choose one with --frame 0, 1, ...")
