"""THE story of lossless decoding: UPDATE -> networks -> CONTENT -> the very same pixels."""

from __future__ import annotations

from bitstream import Container, InvalidField, Tag
from codec.decoding.lossless import update
from codec.decoding.lossless.coder import decode_pixels
from codec.models.kinds import LosslessModel
from codec.picture.pixels import Pixels


def decode(container: Container, model: LosslessModel) -> Pixels:
    """The colours of a lossless file: uint8 [h w 3], RGB.

    Raises:
        FormatError: no encoder writes such a file.
    """
    header, chunks = container.header, container.chunks
    networks = model.networks
    if Tag.PRIOR in chunks:
        raise InvalidField("a lossless file has no prior that an update could change")
    if Tag.UPDATE in chunks:
        networks = update.apply(chunks[Tag.UPDATE], model)
    grid = (header.height, header.width)
    return decode_pixels(chunks[Tag.CONTENT], grid, networks, model.tables)
