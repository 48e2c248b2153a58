"""THE story of lossless decoding: UPDATE -> networks -> CONTENT -> the very same pixels."""

from __future__ import annotations

from bitstream import Container, InvalidField, Tag
from codec.decoding.engines.choice import chosen
from codec.decoding.lossless import update
from codec.decoding.lossless.coder import decode_pixels
from codec.models.kinds import LosslessModel
from codec.picture.pixels import Pixels


def decode(container: Container, model: LosslessModel, coarser: int = 0) -> Pixels:
    """The colours of a lossless file: uint8 [h w 3], RGB.

    Args:
        container: the file.
        model: that it names.
        coarser: grids to leave out, which halves the sides each time.

    Raises:
        FormatError: no encoder writes such a file.
    """
    header, chunks = container.header, container.chunks
    heads = update.heads_of(model)
    if Tag.PRIOR in chunks:
        raise InvalidField("a lossless file has no prior that an update could change")
    if Tag.UPDATE in chunks:
        heads = update.apply(chunks[Tag.UPDATE], model)
    engine, grid = chosen(), (header.height, header.width)
    reader = engine.reader(chunks[Tag.CONTENT], model.tables)
    return decode_pixels(reader, grid, engine.refine(model, heads), model.tables, coarser)
