"""The codecs that can be measured, behind one interface: pixels in, bytes out, and back."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
import io
from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol

import numpy as np
from PIL import Image, features

from bitstream.carriers import carrier_of
from codec.contract import techniques
from codec.contract.contents import LEARNED
from codec.contract.options import TUNES
from codec.contract.report import Outcome
from codec.picture.pixels import Pixels
from codec.picture.standard import STANDARD


class CoderError(Exception):
    """A codec that is not installed, or a setting it does not have."""


@dataclasses.dataclass(frozen=True)
class CodedImage:
    """A file; `update_bytes` are those of all its updates, `prior_bytes` those of the prior's."""

    data: bytes
    update_bytes: int
    prior_bytes: int = 0


class Coder(Protocol):
    """A codec at a fixed effort; `name`, `effort` and `version` go to the columns of a row."""

    name: str
    effort: str
    version: str

    def encode(self, pixels: Pixels, quality: float) -> CodedImage:
        """Makes a file.  Raises CoderError."""

    def decode(self, data: bytes) -> Pixels:
        """Restores its picture."""


@dataclasses.dataclass(frozen=True)
class PillowCoder:
    """A baseline that Pillow writes and reads."""

    name: str
    version: str
    format: str
    options: Mapping[str, Any]
    effort: str = ""

    def encode(self, pixels: Pixels, quality: float) -> CodedImage:
        file = io.BytesIO()
        whole = _whole(self.name, quality)
        Image.fromarray(pixels).save(file, self.format, quality=whole, **self.options)
        return CodedImage(file.getvalue(), update_bytes=0)

    def decode(self, data: bytes) -> Pixels:
        return _read(data)


@dataclasses.dataclass(frozen=True)
class JpegliCoder:
    """JPEG as Google's jpegli writes it, by the package pyjpegli: a baseline tuned for the eye."""

    version: str
    name: str = "jpegli"
    effort: str = ""

    def encode(self, pixels: Pixels, quality: float) -> CodedImage:
        height, width, _ = pixels.shape
        whole = _whole(self.name, quality)
        data = importlib.import_module("pyjpegli").encode(pixels.tobytes(), width, height, whole)
        return CodedImage(data, update_bytes=0)

    def decode(self, data: bytes) -> Pixels:
        return _read(data)


def _whole(name: str, quality: float) -> int:
    if not quality.is_integer():
        raise CoderError(f"{name} has whole qualities only, not {quality:g}")
    return int(quality)


class NncodecCoder:
    """The codec of this repository, with or without the weight update in its files.

    A standard content is measured as the standard file that carries the update.
    """

    def __init__(
        self,
        effort: int,
        update: str = techniques.DEFAULT,
        content: str = LEARNED,
        tune: str = TUNES[0],
    ) -> None:
        # Attributes are bound here, so that whatever the package imports late is not timed.
        codec = importlib.import_module("codec")
        self._encode, self._decode, self._options = codec.encode, codec.decode, codec.EncodeOptions
        self._probe = codec.probe
        self._error: type[Exception] = codec.CodecError
        self._asked: dict[str, Any] = {"effort": effort, "update": update, "tune": tune}
        self._content = content
        self._mode = codec.Lossy if content == LEARNED else partial(codec.Standard, content)
        self.name = "nncodec" if content == LEARNED else f"nncodec-{content}"
        if tune != TUNES[0]:
            self.name += f"-{tune}"
        if update != techniques.DEFAULT:
            self.name += "-noupdate" if update == techniques.NONE else f"-{update}"
        self.effort = str(effort)
        self.version: str = codec.__version__

    def encode(self, pixels: Pixels, quality: float) -> CodedImage:
        try:
            result = self._encode(pixels, self._options(self._mode(quality), **self._asked))
        except self._error as error:
            raise CoderError(str(error)) from None
        return self.encoded(result)

    def encoded(self, result: Outcome) -> CodedImage:
        """The file of an encode."""
        chunks = self._probe(result.data).chunks if self._content == LEARNED else {}
        return CodedImage(result.data, result.report.update_bytes, chunks.get("prior", 0))

    def decode(self, data: bytes) -> Pixels:
        carrier = carrier_of(data)
        if carrier and carrier.extract(data) is None:  # nothing was gained
            return _read(data)
        return np.asarray(self._decode(data))


def _read(data: bytes) -> Pixels:
    """What Pillow shows."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


_PILLOW_FEATURES = {"jpeg": "jpg", "webp": "webp", "avif": "avif"}
_AVIF_VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "avif-speed1": {"speed": 1},
    "avif-default": {"advanced": None},  # libavif tunes as it does where nobody says how
}

_PACKAGES = {
    "jxl": ("pillow-jxl-plugin", "pillow_jxl"),  # which registers itself with Pillow when imported
    "jpegli": ("pyjpegli", "pyjpegli"),
}
"""Distributions and modules of those that Pillow has not by itself."""

BASELINE_NAMES = (*_PILLOW_FEATURES, *_AVIF_VARIANTS, *_PACKAGES)


def baseline(name: str) -> PillowCoder | JpegliCoder:
    """The baseline of this name; raises CoderError where it is not installed."""
    if name == "jxl":
        return PillowCoder(name, _package_version(name), name, {"effort": 7})
    if name == "jpegli":
        return JpegliCoder(_package_version(name))
    content = "avif" if name in _AVIF_VARIANTS else name
    version = features.version(_PILLOW_FEATURES[content])
    if version is None:
        raise CoderError(f"this Pillow was built without {name}")
    # What is enhanced, and what that is compared with, are the same files.
    codec = STANDARD[content]
    options = {**codec.options, **_AVIF_VARIANTS.get(name, {})}
    return PillowCoder(name, version, codec.name, options)


def _package_version(name: str) -> str:
    """Of the package of a baseline, which is imported."""
    distribution, module = _PACKAGES[name]
    try:
        importlib.import_module(module)
    except ModuleNotFoundError:
        raise CoderError(f"{name} needs the package {distribution}, not installed") from None
    return importlib.metadata.version(distribution)
