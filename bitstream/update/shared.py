"""Implements FORMAT.md section 9.7: a weight update that several files share.

The update lies in a file of its own; the pictures name it by the beginning of its SHA-256.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from bitstream.errors import BadMagic, InvalidField, UnsupportedVersion
from bitstream.magic import UPDATE_MAGIC
from bitstream.wire import ByteReader, ByteWriter

VERSION = 1
MODEL_ID_BYTES = 4
ID_BYTES = 16
"""So many that nobody can make two files of one id, which 2**64 attempts would take."""
METHOD = 7
"""Of an UPDATE payload that names an update file."""


@dataclass(frozen=True)
class SharedUpdate:
    """An update file.

    Attributes:
        model: id of the model that it changes, 4 bytes.
        update: an UPDATE payload, not a reference itself.
    """

    model: bytes
    update: bytes

    def pack(self) -> bytes:
        """The whole file."""
        writer = ByteWriter()
        writer.raw(UPDATE_MAGIC)
        writer.u8(VERSION)
        writer.raw(self.model)
        writer.raw(self.update)
        return writer.getvalue()

    @classmethod
    def unpack(cls, data: bytes) -> SharedUpdate:
        """Inverse of `pack`.  Damage shows in the id, which pictures ask for.

        Raises:
            BadMagic, UnsupportedVersion, Truncated, InvalidField: it is no such file.
        """
        reader = ByteReader(data)
        if reader.raw(min(len(UPDATE_MAGIC), reader.remaining), "magic") != UPDATE_MAGIC:
            raise BadMagic("not a file of a shared update")
        version = reader.u8("version")
        if version != VERSION:
            raise UnsupportedVersion(f"version {version} of a shared update is not known")
        model = reader.raw(MODEL_ID_BYTES, "model id")
        if not reader.remaining:
            raise InvalidField("the shared update is empty")
        return cls(model, reader.raw(reader.remaining, "update"))


def update_id(data: bytes) -> bytes:
    """What pictures call an update file: the first bytes of its SHA-256."""
    return hashlib.sha256(data).digest()[:ID_BYTES]


def reference(data: bytes) -> bytes:
    """The UPDATE payload of a picture that uses an update file."""
    return bytes([METHOD]) + update_id(data)


def referred(payload: bytes) -> bytes | None:
    """Inverse of `reference`: the id that a payload names, or None if it is an update itself.

    Raises:
        InvalidField: what follows the method is not an id.
    """
    if payload[:1] != bytes([METHOD]):
        return None
    if len(payload) != 1 + ID_BYTES:
        raise InvalidField(f"the id of the shared update does not have {ID_BYTES} bytes")
    return payload[1:]
