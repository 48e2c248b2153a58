"""How an output was made, noted beside its bytes: in an extended attribute of the file.

A file of this codec tells its quality and networks, but effort, the way to an update and a region
of interest leave no sure trace in it, and a note in it would cost every picture bytes.  File
systems that keep no attributes, and copies that leave them behind, lose nothing but that
certainty: `codec.batch.checks` then goes by what the bytes tell.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import codec

if TYPE_CHECKING:
    from codec.contract.options import EncodeOptions

NAME = "user.nncodec.made"
"""Attributes of users must be in the class `user` (xattr(7))."""
DIGEST_BYTES = 16


def recipe(options: EncodeOptions, roi: str = "") -> bytes:
    """A digest of all that decides what `encode` writes, beside the picture.

    Args:
        options: those of the encode; what only refuses pictures, checks, or says where the search
            runs makes no other file.
        roi: name of the picture with the region of interest; empty for none.  It counts as changed
            with its name, size or time.
    """
    from codec.contract.options import EncodeOptions

    defaults = EncodeOptions()
    deciding = replace(
        options,
        verify=defaults.verify,
        device=defaults.device,
        strict=defaults.strict,
        max_pixels=defaults.max_pixels,
    )
    region: tuple[object, ...] = (roi,)
    if roi:
        with suppress(OSError):  # who reads it says what is wrong with it
            found = os.stat(roi)
            region += (found.st_size, found.st_mtime_ns)
    return _digest(repr((codec.__version__, deciding, region)).encode())


def sign(path: str, data: bytes, recipe: bytes) -> None:
    """Notes on a file with the content `data` how it was made, where the file system can."""
    with suppress(OSError, AttributeError):
        os.setxattr(path, NAME, recipe + _digest(data))


def signed(path: str, data: bytes) -> bytes | None:
    """The recipe of a file; None if there is none, or of other content than `data`."""
    try:
        note = os.getxattr(path, NAME)
    except (OSError, AttributeError):
        return None
    return note[:DIGEST_BYTES] if note[DIGEST_BYTES:] == _digest(data) else None


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:DIGEST_BYTES]
