"""Every reason for which the codec refuses to work.

    CodecError
    ├── OptionError   an option is outside its range, or cannot be met (also a ValueError)
    ├── ImageError    a picture cannot be read, or holds what the format cannot store
    ├── OutputError   the result cannot go where it should
    ├── ModelError    the networks that a file names are missing, damaged or not exact here
    ├── VerifyError   a file does not decode to what it was made of
    ├── WeightsError  a file of weights cannot be read, packed, or unpacked against this base
    ├── FileError     any of these and of the system's, with the name of the file it is about
    └── EngineError   what should run the jobs cannot be had
    FormatError       the data breaks FORMAT.md; its tree is in `bitstream.errors`
    ForeignUpdateWarning   a file decodes, but not with the update that it carries

A message is one line that a user can act on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bitstream.errors import FormatError

__all__ = [
    "CodecError",
    "EngineError",
    "FileError",
    "ForeignUpdateWarning",
    "FormatError",
    "ImageError",
    "ModelError",
    "OptionError",
    "OutputError",
    "VerifyError",
    "WeightsError",
    "blaming",
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
    """The networks that a file names are missing, damaged, or not exact on this machine."""


class WeightsError(CodecError):
    """A file of weights cannot be read, packed, or unpacked against this base."""


class VerifyError(CodecError):
    """A file does not decode to what it was made of."""


class FileError(CodecError):
    """Whatever went wrong, with the name of the file that it is about."""


class EngineError(CodecError):
    """What should run the jobs is not installed or does not answer."""


EMPTY = "''"
"""How an empty name is shown."""


@contextmanager
def blaming(name: str) -> Iterator[None]:
    """Turns any error inside the block into a `FileError` about the file `name`, in one line."""
    try:
        yield
    except Exception as error:
        reason = " ".join(_explain(error).split())
        raise FileError(f"{name or EMPTY}: {reason}") from error


def _explain(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, CodecError | FormatError):
        return str(error)
    # Not foreseen: name the type too, which is often the better half of the message.
    return f"{type(error).__name__}: {error}"


class ForeignUpdateWarning(UserWarning):
    """What a standard file carries is not for its picture, damaged or of another program."""
