"""THE story of lossless decoding: UPDATE -> networks -> CONTENT -> the very same pixels."""

from __future__ import annotations

from bitstream import Container, InvalidField, Tag
from codec.decoding.lossless import update
from codec.decoding.lossless.coder import decode_pixels
from codec.models.released import ReleasedModel
from codec.picture.pixels import Pixels

CONTENT = "lossless"
"""What the models of this mode say that their content is."""


def decode(container: Container, model: ReleasedModel, updates: tuple[bytes, ...] = ()) -> Pixels:
    """The colours of a lossless file: uint8 [h w 3], RGB.

    It has no use for `updates`: pictures without loss share none.

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
