"""nncodec: a learned image codec that overfits the decoder's post-filter to every image.

    import codec

    result = codec.encode("photo.png", codec.EncodeOptions(codec.Lossy(quality=60)))
    pixels = codec.decode(result.data)
    info = codec.probe(result.data)
    result = codec.enhance("photo.png", "photo.jpg")

Everything is loaded at first use, so that a program that only looks at a file loads little.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codec.api.decoding import decode, read_metadata, restore
    from codec.api.encoding import encode, encode_shared, enhance
    from codec.contract.decoding import DecodeOptions
    from codec.contract.modes import Lossless, Lossy, Standard
    from codec.contract.options import EncodeOptions
    from codec.contract.report import EncodeResult, Report, SharedResult
    from codec.contract.targets import Lambda, MaxBpp, MaxBytes, MinPsnr, MinSsimulacra2
    from codec.errors import CodecError, ForeignUpdateWarning, FormatError
    from codec.info import FileInfo, SharedUpdateInfo, StandardInfo, probe
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
    "MinSsimulacra2",
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

_ROOMS = {
    "codec.api.decoding": ("decode", "read_metadata", "restore"),
    "codec.api.encoding": ("encode", "encode_shared", "enhance"),
    "codec.contract.decoding": ("DecodeOptions",),
    "codec.contract.modes": ("Lossless", "Lossy", "Standard"),
    "codec.contract.options": ("EncodeOptions",),
    "codec.contract.report": ("EncodeResult", "Report", "SharedResult"),
    "codec.contract.targets": ("Lambda", "MaxBpp", "MaxBytes", "MinPsnr", "MinSsimulacra2"),
    "codec.errors": ("CodecError", "ForeignUpdateWarning", "FormatError"),
    "codec.info": ("FileInfo", "SharedUpdateInfo", "StandardInfo", "probe"),
    "codec.pillow": ("register_pillow",),
}
"""Where each public name is; all are loaded at first use."""
_LAZY = {name: room for room, names in _ROOMS.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)
