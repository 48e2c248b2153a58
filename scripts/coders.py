"""The codecs evaluate.py can measure, behind one interface: pixels in, bytes out, and back."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import importlib.metadata
import io
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

from codec.standard_codec import STANDARD

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
    format: str
    version: str
    options: Mapping[str, Any]
    effort: str = ""

    def encode(self, pixels: Pixels, quality: float) -> Encoded:
        if not quality.is_integer():
            raise CoderError(f"{self.name} has whole qualities only, not {quality:g}")
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, self.format, quality=int(quality), **self.options)
        return Encoded(file.getvalue(), update_bytes=0)

    def decode(self, data: bytes) -> Pixels:
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


class NncodecCoder:
    """The codec of this repository, with or without the weight update in its files.

    A standard content is measured as the standard file that carries what the post-filter needs.
    """

    def __init__(self, effort: int, update: bool, content: str = "learned") -> None:
        # Attributes are bound here, so that whatever the package imports late is not timed.
        codec = importlib.import_module("codec")
        self._encode, self._decode = codec.encode, codec.decode
        self._error: type[Exception] = codec.CodecError
        standard_file = content != "learned"
        self._options = functools.partial(
            codec.EncodeOptions, update=update, content=content, standard_file=standard_file
        )
        name = f"nncodec-{content}" if standard_file else "nncodec"
        self.name = name if update else f"{name}-noupdate"
        self.effort = str(effort)
        self.version: str = codec.__version__

    def encode(self, pixels: Pixels, quality: float) -> Encoded:
        try:
            options = self._options(quality=quality, effort=int(self.effort))
            result = self._encode(pixels, options)
        except self._error as error:
            raise CoderError(str(error)) from None
        return Encoded(result.data, result.report.update_bytes)

    def decode(self, data: bytes) -> Pixels:
        return np.asarray(self._decode(data))


# Each baseline as the codec writes its standard files, and AVIF also at its slow end, where it
# compresses best.
_BASELINES: dict[str, Mapping[str, Any]] = {
    **{name: standard.options for name, standard in STANDARD.items()},
    "avif-slow": STANDARD["avif"].options | {"speed": 1},
    "jxl": {"effort": 7},
}
_FORMATS = {"avif-slow": "avif"}
_PILLOW_FEATURES = {"jpeg": "jpg", "webp": "webp", "avif": "avif"}

BASELINE_NAMES = tuple(_BASELINES)


def baseline(name: str) -> PillowCoder:
    """The baseline of this name; raises CoderError where this Pillow lacks it."""
    form = _FORMATS.get(name, name)
    version = _jxl_version() if form == "jxl" else features.version(_PILLOW_FEATURES[form])
    if version is None:
        raise CoderError(f"this Pillow was built without {form}")
    return PillowCoder(name, form, version, _BASELINES[name])


def _jxl_version() -> str:
    """JPEG XL comes from a plugin, which registers itself with Pillow when imported."""
    try:
        importlib.import_module("pillow_jxl")
    except ModuleNotFoundError:
        raise CoderError("jxl needs the Pillow plugin pillow-jxl-plugin, not installed") from None
    return importlib.metadata.version("pillow-jxl-plugin")
