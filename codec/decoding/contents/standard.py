"""Decodes standard files as content: JPEG, WebP or AVIF file -> the unfiltered picture."""

from __future__ import annotations

from bitstream import Header, InvalidField
from codec.errors import ImageError
from codec.models.kinds import FilteredModel
from codec.picture import halves
from codec.picture.pixels import Halves
from codec.picture.standard import STANDARD


def decode(payload: bytes, header: Header, model: FilteredModel) -> Halves:
    """CONTENT payload -> the picture before the post-filter.

    Raises:
        InvalidField: it is not a file of that codec and of the size that the header states.
    """
    codec = STANDARD[model.content]
    try:
        # Before it is decoded: a small file may hold a huge picture.
        if codec.size(payload) != (header.width, header.height):
            raise InvalidField("the content has another size than the header states")
        return halves.of_pixels(codec.read(payload), model.multiple)
    except ImageError as error:
        raise InvalidField(f"the content {error}") from error
