"""nncodec: a learned image codec that overfits the decoder's post-filter to every image.

    import codec

    result = codec.encode(pixels, codec.EncodeOptions(quality=60))
    pixels = codec.decode(result.data)
    result = codec.enhance(pixels, Path("photo.jpg").read_bytes())

`encode`, `decode` and `enhance` are loaded at first use: they need torch, and
importing `codec` does not.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from codec.errors import CodecError, ForeignUpdateWarning, FormatError
from codec.options import DecodeOptions, EncodeOptions
from codec.report import EncodeResult, Report

if TYPE_CHECKING:
    from codec.decoder import decode
    from codec.encoder import encode
    from codec.enhancer import enhance

__version__ = "0.1.0"

__all__ = [
    "CodecError",
    "DecodeOptions",
    "EncodeOptions",
    "EncodeResult",
    "ForeignUpdateWarning",
    "FormatError",
    "Report",
    "decode",
    "encode",
    "enhance",
]

_LAZY = {
    "decode": "codec.decoder",
    "encode": "codec.encoder",
    "enhance": "codec.enhancer",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)
