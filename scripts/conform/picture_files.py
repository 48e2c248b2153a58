"""Small pictures of the formats that encoders read, and hostile ones made of them."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from codec.picture import png, profiles
from scripts.conform.mutations import damaged

SIZE_PX = (12, 9)
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF tiff:Orientation="6"/></x:xmpmeta>'


@dataclass(frozen=True)
class Seed:
    """How a picture is written: its mode, Pillow's name of the format, and what its writer gets."""

    mode: str
    format: str
    options: dict[str, Any]

    def written(self) -> bytes:
        """The file."""
        width, height = SIZE_PX
        bands = len(Image.new(self.mode, (1, 1)).getbands())
        samples = np.random.default_rng(0).integers(0, 256, (height, width, bands), np.uint8)
        if self.mode == "I;16":
            picture = Image.fromarray(samples[..., 0].astype(np.uint16) * 257)
        else:
            picture = Image.frombytes(self.mode, SIZE_PX, samples.tobytes())
        file = io.BytesIO()
        picture.save(file, self.format, **self.options)
        return file.getvalue()


def seeds() -> list[bytes]:
    """One file for each format, or more where it has more to say."""
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "a face", 6
    # Not one of Pillow's: those say when they were made.
    icc = profiles.write(profiles.SRGB, profiles.parametric(2.2))
    told = {"exif": exif.tobytes(), "icc_profile": icc}
    all_told = {**told, "xmp": XMP}
    made = [
        *(Seed(mode, "PNG", told) for mode in ("RGB", "RGBA", "L", "LA", "I;16")),
        Seed("P", "PNG", {"transparency": 3}),
        *(Seed(mode, "JPEG", all_told) for mode in ("RGB", "CMYK")),
        Seed("RGB", "MPO", animated()),
        *(Seed(mode, "TIFF", told) for mode in ("RGB", "CMYK", "I;16")),
        *(Seed("RGB", "TIFF", {"compression": name}) for name in ("tiff_lzw", "tiff_deflate")),
        Seed("RGB", "TIFF", {"big_tiff": True, **told}),
        Seed("RGB", "TIFF", animated()),
        *(Seed("RGBA", "WEBP", {**all_told, "lossless": lossless}) for lossless in (False, True)),
        Seed("RGB", "AVIF", all_told),
        Seed("RGB", "GIF", {"comment": b"a"}),
        Seed("RGB", "GIF", animated()),
        *(Seed(mode, name, {}) for mode in ("RGB", "L") for name in ("BMP", "TGA", "PPM", "SGI")),
        *(Seed("RGBA", name, {}) for name in ("BMP", "TGA", "QOI", "DDS", "ICO", "JPEG2000")),
    ]
    return [*(seed.written() for seed in made), photoshop()]


def animated() -> dict[str, Any]:
    """More frames; new ones, because Pillow's writers leave their settings on them."""
    frames = [Image.new("RGB", SIZE_PX, colour) for colour in ("red", "blue")]
    return {"save_all": True, "append_images": frames}


def photoshop() -> bytes:
    """A file that Pillow reads but does not write: red, green, blue and an opacity."""
    width, height = SIZE_PX
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 4, height, width, 8, 3)
    layers = struct.pack(">IIh2xI", 12, 4, -1, 0)
    sections = bytes(4) + bytes(4) + layers + bytes(2)
    return head + sections + bytes(range(width * height)) * 4


def hostile(rng: random.Random, files: Sequence[bytes]) -> bytes:
    """A damaged picture; of PNG with right checksums in half of the cases."""
    data = damaged(rng, files)
    if data.startswith(png.SIGNATURE) and rng.random() < 0.5:
        return png.SIGNATURE + b"".join(chunk.packed() for chunk in _chunks(data))
    return data


def _chunks(data: bytes) -> Iterator[png.Chunk]:
    """The chunks of a PNG, whatever their checksums."""
    place = len(png.SIGNATURE)
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        kind, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        yield png.Chunk(kind, body, sound=True)
        place += 12 + length
