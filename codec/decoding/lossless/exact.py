"""Lossless files whose content is a bitstream of another codec (FORMAT.md section 14.6)."""

from __future__ import annotations

from bitstream import Container, InvalidField, Tag
from bitstream.file.header import ExactContent
from codec.picture.exact import BY_NAME
from codec.picture.pixels import Pixels


def decode(container: Container, content: ExactContent) -> Pixels:
    """The samples of such a file: uint8 [h w 3], or [h w 4] if they have an opacity.

    Raises:
        FormatError: no encoder writes such a file, or it needs a plugin that is not here.
    """
    header, chunks = container.header, container.chunks
    if not header.lossless:
        raise InvalidField(f"quality {header.quality} does not go with a content without loss")
    if Tag.UPDATE in chunks or Tag.PRIOR in chunks:
        raise InvalidField("the content has no networks that an update could change")
    if content.channels == 4 and Tag.ALPHA in chunks:
        raise InvalidField("the content has an opacity already")
    size = (header.width, header.height)
    return BY_NAME[content.codec].read(chunks[Tag.CONTENT], size, content.channels)
