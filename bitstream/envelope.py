"""Implements FORMAT.md sections 3.1 and 3.2: what tells kinds of files apart, and damage from none.

A file of ours is an envelope around its body:

    magic   3 bytes
    version u8
    body
    crc32   u32       of all bytes before it

In a magic, the high bit and the invalid UTF-8 catch transfers that treat the file as text.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from bitstream.errors import BadMagic, ChecksumMismatch, Truncated, UnsupportedVersion

MAGIC = b"\x8eNN"
"""A picture."""
PACKED_MAGIC = b"\x8eNW"
"""Packed weights."""
UPDATE_MAGIC = b"NNU"
"""A weight update that several pictures share; its file has no checksum, the pictures know one."""

JPEG, WEBP, AVIF = "jpeg", "webp", "avif"
"""The standard formats that carry payloads of this codec."""
AVIF_BRANDS = {b"avif", b"avis"}
"""One picture, and a sequence of pictures."""


def standard_format(data: bytes) -> str | None:
    """Names the standard format of a file by its first bytes: JPEG, WEBP, AVIF, or None."""
    if data.startswith(b"\xff\xd8\xff"):  # SOI, and another marker
        return JPEG
    if data.startswith(b"RIFF") and data.startswith(b"WEBP", 8):
        return WEBP
    if data.startswith(b"ftyp", 4):  # the major brand, four bytes of version, compatible brands
        end = min(int.from_bytes(data[:4], "big"), len(data))
        if any(data[place : place + 4] in AVIF_BRANDS for place in (8, *range(16, end, 4))):
            return AVIF
    return None


CHECKSUM_BYTES = 4


@dataclass(frozen=True)
class Envelope:
    """The envelope of a kind of files.

    Attributes:
        magic: the first bytes.
        version: the one that is written, and the only one that is read.
        smallest: bytes of the smallest file.
        file: what a message calls a file, such as "packed weight file".
        format: what it calls the format.
    """

    magic: bytes
    version: int
    smallest: int
    file: str
    format: str

    def pack(self, body: bytes) -> bytes:
        """The bytes of the file."""
        framed = self.magic + bytes([self.version]) + body
        return framed + _checksum(framed)

    def unpack(self, data: bytes) -> bytes:
        """Inverse of `pack`.

        Magic, version and checksum come first, so that each kind of failure is reported as what it
        is: another format, a newer format, damage, and only then an impossible value of the body.

        Raises:
            BadMagic, Truncated, UnsupportedVersion, ChecksumMismatch: it is no such file.
        """
        if not self.magic.startswith(data[: len(self.magic)]):
            raise BadMagic(f"not a {self.file}")
        if len(data) < self.smallest:
            raise Truncated(f"truncated: {len(data)} bytes are less than any {self.file}")
        version = data[len(self.magic)]
        if version != self.version:
            raise UnsupportedVersion(
                f"{self.format} version {version}, this program reads version {self.version}"
            )
        framed, checksum = data[:-CHECKSUM_BYTES], data[-CHECKSUM_BYTES:]
        if _checksum(framed) != checksum:
            raise ChecksumMismatch("damaged or cut short: the checksum does not match")
        return framed[len(self.magic) + 1 :]


def _checksum(framed: bytes) -> bytes:
    return zlib.crc32(framed).to_bytes(CHECKSUM_BYTES, "little")
