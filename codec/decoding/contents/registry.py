"""Picks what decodes the content of a lossy file, by the model that the file names."""

from __future__ import annotations

from typing import Protocol

from bitstream import Header, UnknownModel
from codec.models.kinds import FilteredModel
from codec.networks.integers import Scales
from codec.picture.pixels import Halves

NEEDS_TORCH = "its content needs CompressAI: pip install 'nncodec-image[compressai]'"


class ContentDecoder(Protocol):
    """A content codec, decoding side: a module with this function."""

    def decode(
        self, payload: bytes, header: Header, model: FilteredModel, scales: Scales | None
    ) -> Halves:
        """CONTENT payload -> the picture before the post-filter.

        Args:
            payload: of the chunk.
            header: of the file.
            model: that the file names.
            scales: of the latents, if a PRIOR chunk changes them.

        Raises:
            FormatError: no encoder writes such a payload, or what decodes it is not here.
        """


def decoder_of(model: FilteredModel) -> ContentDecoder:
    """Finds the content codec of a model; only that is imported."""
    if model.content == "learned":
        from codec.decoding.contents import learned

        return learned
    if model.content == "compressai":
        try:
            from codec.decoding.contents import compressai
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise UnknownModel(NEEDS_TORCH) from error
        return compressai
    from codec.decoding.contents import standard

    return standard
