"""Standard files of each format, and the payloads in them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import codec
from bitstream.carriers import carrier_of
from bitstream.carriers.enhancement import Enhancement
from codec.contract.options import EncodeOptions
from codec.picture import standard
from scripts.conform.standard_files import saved

WRITERS = {
    "jpeg": {"quality": 40, "subsampling": "4:4:4"},
    "webp": {"quality": 40, "method": 0},
    "avif": {"quality": 40, "speed": 9, "max_threads": 1},
}
FAST = EncodeOptions(effort=1)
every_format = pytest.mark.parametrize("name", WRITERS)


def viewed(data: bytes) -> np.ndarray:
    """What any viewer shows, before it turns it."""
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image.convert("RGB"))


def foreign(pixels: np.ndarray, name: str, **options: object) -> bytes:
    """A file of another writer."""
    return saved(Image.fromarray(pixels), name.upper(), **{**WRITERS[name], **options})


def payload_of(data: bytes) -> Enhancement:
    return Enhancement.unpack(carrier_of(data).extract(data))


def with_payload(data: bytes, payload: bytes) -> bytes:
    return carrier_of(data).insert(data, payload)


def base_filtered(data: bytes) -> np.ndarray:
    """The same file decoded with the filter alone."""
    found = payload_of(data)
    plain = standard.picture_of(viewed(data))
    base = Enhancement.of_picture(plain, found.model, found.quality, b"")
    return codec.decode(with_payload(data, base.pack()))
