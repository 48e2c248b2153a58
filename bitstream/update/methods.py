"""Names the ways in which a weight update can be coded (FORMAT.md section 9).

One of them names an update file that several pictures share, by the beginning of its SHA-256
(section 9.7); what such a file holds is in `bitstream.update.shared`.
"""

from __future__ import annotations

import hashlib
from enum import IntEnum

from bitstream.errors import InvalidField

ID_BYTES = 16
"""So many that nobody can make two files of one id, which 2**64 attempts would take."""


class Method(IntEnum):
    """What is coded, and how."""

    SUBSPACE = 1
    KERNELS = 2
    SCALES = 3
    LOW_RANK = 4
    COSINE = 5
    TRELLIS = 6
    """Levels in the subspace, as SUBSPACE, but of a trellis-coded quantiser."""
    SHARED = 7
    """The id of an update file that several pictures share."""


def update_id(data: bytes) -> bytes:
    """Takes the id by which pictures call an update file, given by its bytes."""
    return hashlib.sha256(data).digest()[:ID_BYTES]


def reference(data: bytes) -> bytes:
    """Makes the UPDATE payload of a picture that uses an update file."""
    return bytes([Method.SHARED]) + update_id(data)


def referred(payload: bytes) -> bytes | None:
    """Inverse of `reference`: the id that a payload names, or None if it is an update itself.

    Raises:
        InvalidField: what follows the method is not an id.
    """
    if payload[:1] != bytes([Method.SHARED]):
        return None
    if len(payload) != 1 + ID_BYTES:
        raise InvalidField(f"the id of the shared update does not have {ID_BYTES} bytes")
    return payload[1:]
