"""Opens a file of any kind, once: all that asks about a file asks what is here.

    CodedFile      a file of this codec, lossy or lossless
    StandardFile   JPEG, WebP or AVIF, with or without a payload for this decoder
    UpdateFile     an update that several pictures share (.nnu)
    PackedFile     weights of networks, which `codec.packing` reads

Neither torch nor Pillow is needed to say what a file holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bitstream import MAGIC, BadMagic, Container, Tag
from bitstream.carriers import Carrier, carrier_of
from bitstream.envelope import PACKED_MAGIC, UPDATE_MAGIC, standard_format
from bitstream.update.methods import referred, update_id

if TYPE_CHECKING:
    from bitstream.update.shared import SharedUpdate


@dataclass(frozen=True, eq=False)
class CodedFile:
    """A file of this codec, whose checksum is right.

    Attributes:
        size: bytes of the file.
        container: its header and chunks.
    """

    size: int
    container: Container

    @property
    def wanted(self) -> bytes | None:
        """The id of the update file that it needs; None for most files.

        Raises:
            InvalidField: it names one in a form that no encoder writes.
        """
        return referred(self.container.chunks.get(Tag.UPDATE, b""))

    def without(self, tag: Tag) -> CodedFile:
        """The same file less a chunk, and what it says of its pixels; its size is not known."""
        left_out = (tag, Tag.PIXELS)
        rest = {kept: part for kept, part in self.container.chunks.items() if kept not in left_out}
        return CodedFile(0, Container(self.container.header, rest))


@dataclass(frozen=True, eq=False)
class StandardFile:
    """A JPEG, WebP or AVIF file; the picture in it has not been looked at.

    Attributes:
        data: the whole file.
        carrier: knows its structure.
        payload: what it carries for this decoder; None for nothing.
    """

    data: bytes
    carrier: Carrier
    payload: bytes | None

    @property
    def plain(self) -> bytes:
        """The file without its payload."""
        return self.data if self.payload is None else self.carrier.strip(self.data)

    def carrying(self, payload: bytes) -> StandardFile:
        """The same file with another payload."""
        return StandardFile(self.carrier.insert(self.data, payload), self.carrier, payload)


@dataclass(frozen=True, eq=False)
class UpdateFile:
    """A shared update.

    Attributes:
        size: bytes of the file.
        id: what pictures call it.
        update: what it says.
    """

    size: int
    id: bytes
    update: SharedUpdate


@dataclass(frozen=True, eq=False)
class PackedFile:
    """Packed weights of networks, not parsed.

    Attributes:
        data: the whole file.
    """

    data: bytes


READABLE = "an nncodec, JPEG, WebP or AVIF file"
"""What has a picture that a decoder restores, as messages call it."""

OpenedFile = CodedFile | StandardFile | UpdateFile | PackedFile


def open_file(data: bytes) -> OpenedFile:
    """Opens a file that is given by its bytes.

    Raises:
        FormatError: it is of none of these kinds, or damaged; the subclass says why.
    """
    if standard_format(data) is not None:
        return open_standard(data)
    if data.startswith(UPDATE_MAGIC):
        from bitstream.update.shared import SharedUpdate

        return UpdateFile(len(data), update_id(data), SharedUpdate.unpack(data))
    if data.startswith(PACKED_MAGIC):
        return PackedFile(data)
    if not MAGIC.startswith(data[: len(MAGIC)]):
        raise BadMagic(f"not {READABLE}")
    return CodedFile(len(data), Container.unpack(data))


def open_standard(data: bytes) -> StandardFile:
    """Opens a JPEG, WebP or AVIF file.

    Raises:
        FormatError: it is none, or the structure around its payload is broken.
    """
    carrier = carrier_of(data)
    if carrier is None:
        raise BadMagic("not a JPEG, WebP or AVIF file")
    return StandardFile(data, carrier, carrier.extract(data))
