"""Implements FORMAT.md section 9.7: a weight update that several files share.

The update lies in a file of its own; the pictures name it by its id (`bitstream.update.methods`).
"""

from __future__ import annotations

from dataclasses import dataclass

from bitstream.envelope import UPDATE_MAGIC
from bitstream.errors import BadMagic, InvalidField, UnsupportedVersion
from bitstream.wire import ByteReader, ByteWriter

VERSION = 1
MODEL_ID_BYTES = 4


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
