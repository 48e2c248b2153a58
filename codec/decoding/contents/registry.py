"""Picks what decodes the content of a lossy file, by the model that the file names."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from bitstream import Header
from codec.models.kinds import FilteredModel


class ContentDecoder(Protocol):
    """A content codec, decoding side: a module with this function."""

    def decode(self, payload: bytes, header: Header, model: FilteredModel) -> Tensor:
        """CONTENT payload -> the picture before the post-filter: integers [1 3 H W].

        Raises:
            FormatError: no encoder writes such a payload, or what decodes it is not here.
        """


def decoder_of(model: FilteredModel) -> ContentDecoder:
    """Finds the content codec of a model; only that is imported."""
    if model.content == "learned":
        from codec.decoding.contents import learned

        return learned
    if model.content == "compressai":
        from codec.decoding.contents import compressai

        return compressai
    from codec.decoding.contents import standard

    return standard
