"""Decodes the content of a lossy file with the codec that its model belongs to."""

from __future__ import annotations

from torch import Tensor

from bitstream import Header
from codec.decoding.contents import compressai, learned, standard
from codec.models.released import ReleasedModel


def decode(payload: bytes, header: Header, model: ReleasedModel) -> Tensor:
    """CONTENT payload -> the picture before the post-filter: integers [1 3 H W].

    Raises:
        FormatError: no encoder writes such a payload, or what decodes it is not here.
    """
    decoders = {"learned": learned, compressai.FAMILY: compressai}
    return decoders.get(model.content, standard).decode(payload, header, model)
