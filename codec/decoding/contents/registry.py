"""Decodes the content of a lossy file by the codec that its model is for; only that is imported."""

from __future__ import annotations

from bitstream import Header, UnknownModel
from codec.contract.contents import FOREIGN
from codec.models.kinds import FilteredModel, LearnedModel
from codec.networks.integers import Scales
from codec.picture.pixels import Halves

NEEDS_TORCH = "its content needs CompressAI: pip install 'nncodec-image[compressai]'"


def decode(payload: bytes, header: Header, model: FilteredModel, scales: Scales | None) -> Halves:
    """CONTENT payload -> the picture before the post-filter.

    Args:
        payload: of the chunk.
        header: of the file.
        model: that the file names.
        scales: of the latents, if a PRIOR chunk changes them.

    Raises:
        FormatError: no encoder writes such a payload, or what decodes it is not here.
    """
    if isinstance(model, LearnedModel):
        from codec.decoding.contents import learned

        return learned.decode(payload, header, model, scales)
    if model.content == FOREIGN:
        try:
            from codec.decoding.contents import compressai
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise UnknownModel(NEEDS_TORCH) from error
        return compressai.decode(payload, header, model)
    from codec.decoding.contents import standard

    return standard.decode(payload, header, model)
