"""The codecs evaluate.py can measure, behind one interface: pixels in, bytes out, and back."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
import io
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

Pixels = NDArray[np.uint8]  # [h w 3], RGB


class CoderError(Exception):
    """A codec that is not installed, or a setting it does not have."""


@dataclasses.dataclass(frozen=True)
class Encoded:
    data: bytes
    update_bytes: int


class Coder(Protocol):
    """A codec at a fixed effort; `name`, `effort` and `version` go to the columns of a row."""

    name: str
    effort: str
    version: str

    def encode(self, pixels: Pixels, quality: float) -> Encoded: ...

    def decode(self, data: bytes) -> Pixels: ...


@dataclasses.dataclass(frozen=True)
class PillowCoder:
    """A baseline that Pillow writes and reads."""

    name: str
    version: str
    options: Mapping[str, Any]
    effort: str = ""

    def encode(self, pixels: Pixels, quality: float) -> Encoded:
        if not quality.is_integer():
            raise CoderError(f"{self.name} has whole qualities only, not {quality:g}")
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, self.name, quality=int(quality), **self.options)
        return Encoded(file.getvalue(), update_bytes=0)

    def decode(self, data: bytes) -> Pixels:
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


class NncodecCoder:
    """The codec of this repository, with or without the weight update in its files."""

    def __init__(self, effort: int, update: bool) -> None:
        # Attributes are bound here, so that whatever the package imports late is not timed.
        codec = importlib.import_module("codec")
        self._encode, self._decode, self._options = codec.encode, codec.decode, codec.EncodeOptions
        self._error: type[Exception] = codec.CodecError
        self._update = {} if update else {"update": "none"}
        self.name = "nncodec" if update else "nncodec-noupdate"
        self.effort = str(effort)
        self.version: str = codec.__version__

    def encode(self, pixels: Pixels, quality: float) -> Encoded:
        try:
            options = self._options(quality=quality, effort=int(self.effort), **self._update)
            result = self._encode(pixels, options)
        except self._error as error:
            raise CoderError(str(error)) from None
        return Encoded(result.data, result.report.update_bytes)

    def decode(self, data: bytes) -> Pixels:
        return np.asarray(self._decode(data))


# Each baseline at its slow end, where it compresses best, as the anchors were measured.
_BASELINES: dict[str, Mapping[str, Any]] = {
    "jpeg": {"subsampling": "4:2:0", "optimize": True, "progressive": True},
    "webp": {"method": 6},
    # One thread: the bytes depend on the number of threads, and so on the machine.
    "avif": {"subsampling": "4:4:4", "speed": 1, "max_threads": 1, "advanced": {"tune": "psnr"}},
    "jxl": {"effort": 7},
}
_PILLOW_FEATURES = {"jpeg": "jpg", "webp": "webp", "avif": "avif"}

BASELINE_NAMES = tuple(_BASELINES)


def baseline(name: str) -> PillowCoder:
    """The baseline of this name; raises CoderError where this Pillow lacks it."""
    version = _jxl_version() if name == "jxl" else features.version(_PILLOW_FEATURES[name])
    if version is None:
        raise CoderError(f"this Pillow was built without {name}")
    return PillowCoder(name, version, _BASELINES[name])


def _jxl_version() -> str:
    """JPEG XL comes from a plugin, which registers itself with Pillow when imported."""
    try:
        importlib.import_module("pillow_jxl")
    except ModuleNotFoundError:
        raise CoderError("jxl needs the Pillow plugin pillow-jxl-plugin, not installed") from None
    return importlib.metadata.version("pillow-jxl-plugin")
