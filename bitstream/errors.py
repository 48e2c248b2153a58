"""Every reason for which a file is refused.

    FormatError
    ├── BadMagic              the first bytes are not ours
    ├── UnsupportedVersion    written by a newer program
    ├── UnknownModel          needs networks that are not installed
    ├── UnknownUpdate         needs the file of a shared update that was not given
    ├── Truncated             ends too early
    ├── ChecksumMismatch      damaged on its way
    ├── InvalidField          a value outside its range, or a structure out of order
    └── LimitExceeded         well formed, but larger than this program accepts

A message is one line that a user can act on. Reading bytes raises nothing else, whatever the bytes.
"""

from __future__ import annotations


class FormatError(ValueError):
    """The data cannot be a file of this format, or not one that this program can read."""


class BadMagic(FormatError):
    """The first bytes do not identify the format."""


class UnsupportedVersion(FormatError):
    """The format version is not the one implemented here."""


class UnknownModel(FormatError):
    """The file names a model that is not available."""


class UnknownUpdate(FormatError):
    """The file names a shared update that is not at hand."""


class Truncated(FormatError):
    """The data ends before the structure being read."""


class ChecksumMismatch(FormatError):
    """The CRC-32 at the end of the file does not match the bytes before it."""


class InvalidField(FormatError):
    """A field holds a value that the format does not allow."""


class LimitExceeded(FormatError):
    """A size goes beyond the limits of `bitstream.limits`."""
