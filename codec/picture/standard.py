"""JPEG, WebP and AVIF files of any origin, as Pillow reads them: stored pixels, metadata, tables.

Pixels are as the file stores them; its orientation is metadata like all other.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from bitstream.carriers import carrier_of, webp
from bitstream.carriers.enhancement import PictureSamples
from bitstream.errors import BadMagic, LimitExceeded
from codec.contract.options import ReadOptions
from codec.errors import ImageError
from codec.picture import reading
from codec.picture.file import PictureFile, refuse_loss
from codec.picture.metadata import Metadata
from codec.picture.opening import explained, open_image
from codec.picture.pixels import Pixels

IJG_LUMA_SUM = 3688
"""Of the quantisation table for luma in ITU-T T.81, annex K: what libjpeg scales by quality."""


def read_pixels(data: bytes, max_pixels: int | None = None) -> Pixels:
    """A file -> uint8 [h w 3], RGB (greys too), as stored.

    Raises:
        LimitExceeded: it has more pixels than that.
        ImageError: damaged, or 8-bit RGB does not hold it (transparency, CMYK, animation).
    """
    if carrier_of(data) is webp:  # whose canvas Pillow reserves when it opens it
        _check_size(webp.stated_size(data), max_pixels)
    with _opened(data, max_pixels) as image:
        _check_size(image.size, max_pixels)
        refuse_loss(image, data)
        return np.array(image.convert("RGB"))


def _check_size(size: tuple[int, int], max_pixels: int | None) -> None:
    width, height = size
    if max_pixels is not None and width * height > max_pixels:
        raise LimitExceeded(
            f"{width}x{height} is more than {max_pixels} pixels; "
            "a larger --max-pixels (max_pixels) accepts it"
        )


def read_metadata(data: bytes) -> Metadata:
    """The metadata of a file.  Raises as `read_pixels`."""
    if carrier_of(data) is None:
        raise BadMagic("not a JPEG, WebP or AVIF file")
    return reading.read_metadata(data)


def jpeg_quality(data: bytes) -> float | None:
    """What libjpeg would call the quality of a JPEG file, 0..100; None for other formats."""
    with _opened(data) as image:
        tables = getattr(image, "quantization", None)
        if not tables:
            return None
        percent: float = 100 * sum(next(iter(tables.values()))) / IJG_LUMA_SUM
        # The inverse of jpeg_quality_scaling().
        return 5000 / percent if percent > 100 else (200 - percent) / 2


def picture_of(pixels: Pixels) -> PictureSamples:
    """Pixels as checksums take them."""
    height, width, _ = pixels.shape
    return PictureSamples(width, height, pixels.tobytes())


@contextmanager
def _opened(data: bytes, max_pixels: int | None = 0) -> Iterator[Image.Image]:
    carrier = carrier_of(data)
    if carrier is None:
        raise BadMagic("not a JPEG, WebP or AVIF file")
    name = carrier.NAME.upper()
    with explained(f"is a damaged {name} file"):
        shown = PictureFile(data, ReadOptions(max_pixels=None)).shown
        with open_image(shown, (name,), allowed=max_pixels) as image:
            yield image


@dataclass(frozen=True)
class StandardCodec:
    """A codec of Pillow at the settings where it compresses best.

    Attributes:
        name: Pillow's name of the format, in lower case.
        options: what its writer is given besides the quality.
        db_per_doubling: by how much the PSNR grows when the file doubles (CID22 validation).
    """

    name: str
    options: Mapping[str, Any]
    db_per_doubling: float

    def write(self, pixels: Pixels, quality: float, **metadata: Any) -> bytes:
        """uint8 [h w 3] -> a file.  Whole qualities only: others are rounded."""
        file = io.BytesIO()
        Image.fromarray(pixels).save(
            file, self.name, quality=round(quality), **self.options, **metadata
        )
        return file.getvalue()

    def read(self, data: bytes) -> Pixels:
        """A file -> uint8 [h w 3], RGB, as stored: an orientation is not applied.

        Raises:
            ImageError: not such a file, or damaged.
        """
        with self._opened(data) as image:
            return np.array(image.convert("RGB"))

    def size(self, data: bytes) -> tuple[int, int]:
        """Width and height that a file states, without decoding it.  Raises ImageError too."""
        with self._opened(data) as image:
            return image.size

    @contextmanager
    def _opened(self, data: bytes) -> Iterator[Image.Image]:
        try:
            with open_image(data, (self.name.upper(),), allowed=None) as image:
                yield image
        except Exception as error:  # Pillow's readers raise almost anything on damaged data
            raise ImageError(f"is not a readable {self.name.upper()} file: {error}") from error


STANDARD = {
    codec.name: codec
    for codec in (
        StandardCodec("jpeg", {"subsampling": "4:2:0", "optimize": True, "progressive": True}, 3.7),
        StandardCodec("webp", {"method": 6}, 3.5),
        # PSNR is what the filter improves.  One thread: the bytes depend on their number.
        StandardCodec(
            "avif",
            {
                "subsampling": "4:4:4",
                "speed": 4,
                "max_threads": 1,
                "advanced": {"tune": "psnr"},
            },
            3.3,
        ),
    )
}
