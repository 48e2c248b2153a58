"""The standard codecs that a post-filter can follow: JPEG, WebP, AVIF, as Pillow writes them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from codec.errors import ImageError
from codec.image import Pixels


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
            with Image.open(io.BytesIO(data), formats=[self.name.upper()]) as image:
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
