"""Every reason for which the codec refuses to work.

    CodecError
    ├── OptionError   an option is outside its range, or cannot be met (also a ValueError)
    ├── ImageError    a picture cannot be read, or holds what the format cannot store
    ├── OutputError   the result cannot go where it should
    ├── ModelError    the networks that a file names are missing or damaged
    └── VerifyError   a file just encoded does not decode to what it should
    FormatError       the data breaks FORMAT.md; its tree is in `bitstream.errors`

A message is one line that a user can act on.
"""

from __future__ import annotations

from bitstream.errors import FormatError

__all__ = [
    "CodecError",
    "FormatError",
    "ImageError",
    "ModelError",
    "OptionError",
    "OutputError",
    "VerifyError",
]


class CodecError(Exception):
    """Anything that the codec refuses to do, apart from reading a malformed file."""


class OptionError(CodecError, ValueError):
    """An option is outside its range, or no file can meet it."""


class ImageError(CodecError):
    """A picture cannot be read, or holds something that the format cannot store."""


class OutputError(CodecError):
    """The output exists already or cannot be written."""


class ModelError(CodecError):
    """The networks that a file names are missing or damaged."""


class VerifyError(CodecError):
    """A file just encoded does not decode to what it should."""
