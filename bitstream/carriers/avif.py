"""Implements FORMAT.md section 12.3: the payload in a box "uuid" of an AVIF file.

Structure: ISO/IEC 14496-12, section 4.2.  Anybody may add boxes of the type "uuid", which the 16
bytes of a UUID tell apart (section 11.1); readers skip those that they do not know.  A box "free"
would have a shorter name, but says that its content means nothing: programs that tidy up drop it.

Positions in an AVIF file count from its start.  Therefore nothing is ever inserted or cut out in
front of other boxes.
"""

from __future__ import annotations

from collections.abc import Iterator

from bitstream.carriers.parts import Part, checked, only
from bitstream.envelope import AVIF, standard_format
from bitstream.errors import BadMagic, InvalidField
from bitstream.wire import ByteReader

NAME = AVIF
IDENTIFIER = bytes.fromhex("137be2d4608740c4975ba47a85991955")
"""Random, version 4 of RFC 9562."""

USER_TYPE = b"uuid"
FREE_SPACE = b"free"
HEADER_BYTES = 8
LARGE_SIZE = 1
TO_THE_END = bytes(4)


def insert(data: bytes, payload: bytes) -> bytes:
    """Puts the payload after all boxes.

    Raises:
        InvalidField: nothing can follow the last box, because its size says "to the end".
    """
    content = IDENTIFIER + checked(payload)
    box = (HEADER_BYTES + len(content)).to_bytes(4, "big") + USER_TYPE + content
    plain = strip(data)
    for last in _boxes(plain):
        if plain.startswith(TO_THE_END, last.start):
            raise InvalidField("the last box of the AVIF file is open-ended: nothing can follow it")
    return plain + box


def extract(data: bytes) -> bytes | None:
    """The payload, wherever it stands among the boxes."""
    return only(part.content[len(IDENTIFIER) :] for part in _boxes(data) if _is_ours(part))


def strip(data: bytes) -> bytes:
    """Cuts the box off; one that an editor has put before others becomes free space of zeros."""
    plain = bytearray(data)
    for part in reversed([part for part in _boxes(data) if _is_ours(part)]):
        if part.end == len(plain):
            del plain[part.start :]
        else:
            plain[part.start + 4 : part.start + HEADER_BYTES] = FREE_SPACE
            plain[part.end - len(part.content) : part.end] = bytes(len(part.content))
    return bytes(plain)


def _is_ours(part: Part) -> bool:
    return part.tag == USER_TYPE and part.content.startswith(IDENTIFIER)


def _boxes(data: bytes) -> Iterator[Part]:
    """All boxes of the top level."""
    if standard_format(data) != NAME:
        raise BadMagic("not an AVIF file")
    reader = ByteReader(data)
    while reader.remaining:
        start = reader.position
        field = reader.raw(4, "the size of an AVIF box")
        tag = reader.raw(4, "the type of an AVIF box")
        size = int.from_bytes(field, "big")
        if size == LARGE_SIZE:
            size = int.from_bytes(reader.raw(8, "the size of an AVIF box"), "big")
        elif field == TO_THE_END:
            size = len(data) - start
        rest = size - (reader.position - start)
        if rest < 0:
            raise InvalidField(f"the AVIF box at byte {start} has the size {size}")
        content = reader.raw(rest, "an AVIF box")
        yield Part(tag, start, reader.position, content)
