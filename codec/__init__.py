"""nncodec: a learned image codec that overfits the decoder's post-filter to every image.

    import codec

    result = codec.encode(pixels, codec.EncodeOptions(quality=60))
    pixels = codec.decode(result.data)

`encode` and `decode` are loaded at first use: they need torch, and importing `codec` does not.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from codec.errors import CodecError, FormatError
from codec.options import DecodeOptions, EncodeOptions
from codec.report import EncodeResult, Report
from codec.targets import Lambda, MaxBpp, MaxBytes, MinPsnr

if TYPE_CHECKING:
    from codec.decoder import decode
    from codec.encoder import encode

__version__ = "0.1.0"

__all__ = [
    "CodecError",
    "DecodeOptions",
    "EncodeOptions",
    "EncodeResult",
    "FormatError",
    "Lambda",
    "MaxBpp",
    "MaxBytes",
    "MinPsnr",
    "Report",
    "decode",
    "encode",
]

_LAZY = {
    "decode": "codec.decoder",
    "encode": "codec.encoder",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)
