"""Implements FORMAT.md section 12: a payload inside a JPEG, WebP or AVIF file.

Readers of these formats skip the place where it stands, and show the picture that they always
showed.  Each module of this package is a `Carrier`; whoever has a file asks `carrier_of`, which
loads the one that it needs.

    jpeg   one APP10 segment     8 bytes more than the payload
    webp   one chunk "nnUP"      8, and 1 if the payload is odd
    avif   one box "uuid"       24
"""

from __future__ import annotations

from typing import Protocol

from bitstream.envelope import AVIF, JPEG, WEBP, standard_format


class Carrier(Protocol):
    """A standard format that has room for a payload; a file is given and returned as its bytes.

    `strip(insert(plain, payload)) == plain` for every file `plain` without a payload, and no other
    byte of a file ever changes but for the sizes that count the payload.

    All of them raise `bitstream.errors.FormatError`, and nothing else, where the structure around
    the payload is broken: BadMagic, Truncated or InvalidField.  The coded picture itself is not
    looked at.  Time is linear in the size of the file.
    """

    NAME: str
    """Lower case, one word."""

    def insert(self, data: bytes, payload: bytes) -> bytes:
        """The file with the payload, in place of the one that it has.

        Raises:
            LimitExceeded: the payload is longer than `limits.MAX_CARRIED_BYTES`.
        """

    def extract(self, data: bytes) -> bytes | None:
        """The payload of the file, or None if it has none.

        Raises:
            InvalidField: there is more than one.
            LimitExceeded: it is longer than `limits.MAX_CARRIED_BYTES`.
        """

    def strip(self, data: bytes) -> bytes:
        """The file without any payload."""


CARRIED = (JPEG, WEBP, AVIF)
"""Names of the formats that there is a carrier for."""


def carrier_named(name: str) -> Carrier:
    """Finds the carrier of a format, one of `CARRIED`; only that is imported."""
    match name:
        case "jpeg":
            from bitstream.carriers import jpeg

            return jpeg
        case "webp":
            from bitstream.carriers import webp

            return webp
        case _:
            from bitstream.carriers import avif

            return avif


def carrier_of(data: bytes) -> Carrier | None:
    """Finds the carrier of a file by its first bytes; None if it is of no such format."""
    name = standard_format(data)
    return None if name is None else carrier_named(name)
