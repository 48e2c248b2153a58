"""Pictures as bitstreams of other codecs that give the very same samples (FORMAT.md section 14.6).

Networks are made for photographs.  What repeats itself, as text, icons and screens do, is smaller
as what others are made for: WebP without loss, which all Pillows know, and JPEG XL, which needs a
plugin, on encoding and on decoding.
"""

from __future__ import annotations

import importlib
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from bitstream.carriers import webp
from bitstream.errors import InvalidField, UnknownModel
from bitstream.file.header import EXACT_CONTENTS, ExactContent
from bitstream.limits import MAX_DIMENSION
from codec.errors import ImageError, ModelError
from codec.picture.opening import explained, open_image
from codec.picture.pixels import Pixels

MODES = {3: "RGB", 4: "RGBA"}
WEBP_SIDE_LIMIT = 1 << 14
"""Sides of WebP pictures are at most that (RFC 9649, section 3.4)."""


@dataclass(frozen=True)
class ExactCodec:
    """One of these codecs.

    Attributes:
        name: as options call it, and Pillow in capitals.
        quick: how Pillow's writer is called to know about what the size will be.
        thorough: how it is called for the smallest file.
        side_limit: of the largest picture that it holds.
        plugin: the module that teaches it to Pillow, and the package that has it; None for none.
    """

    name: str
    quick: Mapping[str, Any]
    thorough: Mapping[str, Any]
    side_limit: int = MAX_DIMENSION
    plugin: tuple[str, str] | None = None

    def write(self, samples: Pixels, *, thorough: bool) -> bytes | None:
        """Samples [h w 3] or [h w 4] -> payload; None for a picture that is too large for it.

        Raises:
            ModelError: its plugin is not installed.
        """
        if max(samples.shape) > self.side_limit:
            return None
        self._load_plugin()
        file = io.BytesIO()
        options = self.thorough if thorough else self.quick
        Image.fromarray(samples).save(file, self.name.upper(), lossless=True, **options)
        data = file.getvalue()
        return webp.unwrap(data) if self is WEBP else data

    def id(self, samples: Pixels) -> bytes:
        """What stands in the header of samples in place of a model."""
        content = ExactContent(self.name, samples.shape[2])
        return next(id for id, found in EXACT_CONTENTS.items() if found == content)

    def read(self, payload: bytes, size: tuple[int, int], channels: int) -> Pixels:
        """The inverse of `write`, for a picture of that width and height.

        Raises:
            InvalidField: it is no such bitstream, or of another size or mode.
            UnknownModel: its plugin is not installed.
        """
        try:
            self._load_plugin()
        except ModelError as error:
            raise UnknownModel(str(error)) from error
        data = webp.wrap(payload) if self is WEBP else payload
        try:
            pixels = math.prod(size)
            with explained(), open_image(data, (self.name.upper(),), allowed=pixels) as image:
                # Before it is decoded: a small file may hold a huge picture.
                if image.size != size:
                    raise ImageError("is of another size than the header states")
                if image.mode != MODES[channels]:
                    raise ImageError(f"is {image.mode} in place of {MODES[channels]}")
                return np.array(image)
        except ImageError as error:
            raise InvalidField(f"the content {error}") from error

    def _load_plugin(self) -> None:
        if self.plugin is not None:
            module, package = self.plugin
            try:
                importlib.import_module(module)
            except ImportError as error:
                raise ModelError(
                    f"{self.name} content needs a plugin: pip install {package}"
                ) from error


WEBP = ExactCodec(
    "webp",
    {"method": 3, "quality": 50, "exact": True},
    {"method": 6, "quality": 100, "exact": True},
    side_limit=WEBP_SIDE_LIMIT,
)
JXL = ExactCodec("jxl", {"effort": 3}, {"effort": 9}, plugin=("pillow_jxl", "pillow-jxl-plugin"))
BY_NAME = {codec.name: codec for codec in (WEBP, JXL)}
