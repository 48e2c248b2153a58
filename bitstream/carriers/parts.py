"""What JPEG segments, WebP chunks and AVIF boxes have in common."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from bitstream.errors import InvalidField, LimitExceeded
from bitstream.limits import MAX_CARRIED_BYTES


@dataclass(frozen=True)
class Part:
    """One segment, chunk or box of a file.

    Attributes:
        tag: its marker or its four characters.
        start: position of its first byte in the file.
        end: position after its last byte, padding included.
        content: what it holds, without its header and padding.
    """

    tag: bytes
    start: int
    end: int
    content: bytes


def without(data: bytes, parts: Iterable[Part]) -> bytes:
    """The file without some of its parts, which are given in their order."""
    kept, position = [], 0
    for part in parts:
        kept.append(data[position : part.start])
        position = part.end
    return b"".join([*kept, data[position:]])


def only(payloads: Iterable[bytes]) -> bytes | None:
    """The only payload of a file, or None.

    Raises:
        InvalidField: there are several.
        LimitExceeded: it is too long.
    """
    found = list(islice(payloads, 2))
    if len(found) > 1:
        raise InvalidField("the file carries more than one update")
    return checked(found[0]) if found else None


def checked(payload: bytes) -> bytes:
    """The payload, if it is not too long.

    Raises:
        LimitExceeded: it is.
    """
    if len(payload) > MAX_CARRIED_BYTES:
        raise LimitExceeded(
            f"an update of {len(payload)} bytes is too long for a standard file, "
            f"which carries at most {MAX_CARRIED_BYTES}"
        )
    return payload
