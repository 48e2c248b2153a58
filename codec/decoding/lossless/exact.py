"""Lossless files whose content is a bitstream of another codec (FORMAT.md section 14.6)."""

from __future__ import annotations

from bitstream import Container, InvalidField, Tag
from codec.picture.exact import BY_ID
from codec.picture.pixels import Pixels


def decode(container: Container) -> Pixels:
    """The samples of such a file: uint8 [h w 3], or [h w 4] if they have an opacity.

    Raises:
        FormatError: no encoder writes such a file, or it needs a plugin that is not here.
    """
    header, chunks = container.header, container.chunks
    if not header.lossless:
        raise InvalidField(f"quality {header.quality} does not go with a content without loss")
    if Tag.UPDATE in chunks or Tag.PRIOR in chunks:
        raise InvalidField("the content has no networks that an update could change")
    pixels = BY_ID[header.model].read(chunks[Tag.CONTENT], (header.width, header.height))
    if pixels.shape[2] == 4 and Tag.ALPHA in chunks:
        raise InvalidField("the content has an opacity already")
    return pixels
