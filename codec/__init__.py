"""nncodec: a learned image codec that overfits the decoder's post-filter to every image.

    import codec

    result = codec.encode("photo.png", codec.EncodeOptions(codec.Lossy(quality=60)))
    pixels = codec.decode(result.data)
    info = codec.probe(result.data)
    result = codec.enhance("photo.png", "photo.jpg")

What encodes and decodes is loaded at first use: it needs torch, and importing `codec` does not.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from codec.contract.modes import Lossless, Lossy, Standard
from codec.contract.options import DecodeOptions, EncodeOptions
from codec.contract.report import EncodeResult, Report, SharedResult
from codec.contract.targets import Lambda, MaxBpp, MaxBytes, MinPsnr
from codec.errors import CodecError, ForeignUpdateWarning, FormatError
from codec.info import FileInfo, SharedUpdateInfo, StandardInfo, probe

if TYPE_CHECKING:
    from codec.api import decode, encode, encode_shared, enhance, read_metadata, restore
    from codec.pillow import register_pillow

__version__ = "0.1.0"

__all__ = [
    "CodecError",
    "DecodeOptions",
    "EncodeOptions",
    "EncodeResult",
    "FileInfo",
    "ForeignUpdateWarning",
    "FormatError",
    "Lambda",
    "Lossless",
    "Lossy",
    "MaxBpp",
    "MaxBytes",
    "MinPsnr",
    "Report",
    "SharedResult",
    "SharedUpdateInfo",
    "Standard",
    "StandardInfo",
    "decode",
    "encode",
    "encode_shared",
    "enhance",
    "probe",
    "read_metadata",
    "register_pillow",
    "restore",
]

_LAZY = {
    "decode": "codec.api",
    "encode": "codec.api",
    "encode_shared": "codec.api",
    "enhance": "codec.api",
    "read_metadata": "codec.api",
    "register_pillow": "codec.pillow",
    "restore": "codec.api",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)
