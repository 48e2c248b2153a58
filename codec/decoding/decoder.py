"""THE decode story: bytes -> UPDATE -> content -> picture -> filtered picture.

Lossless files have another one, see `codec.encoding.lossless.encoder`.
"""

from __future__ import annotations

import torch

from bitstream import Container, InvalidField, LimitExceeded, Tag
from bitstream.carriers import carrier_of
from bitstream.file import alpha
from codec.contract.options import DecodeOptions
from codec.decoding import enhanced, prior, update
from codec.decoding.contents import registry
from codec.decoding.filtering import Filtering
from codec.decoding.lossless import decoder
from codec.models import released
from codec.models.released import ReleasedModel
from codec.picture import transparency
from codec.picture.metadata import Metadata
from codec.picture.pixels import Pixels


@torch.no_grad()
@torch.autocast("cpu", enabled=False)  # lower precision would break exactness
def decode(data: bytes, options: DecodeOptions | None = None) -> Pixels:
    """Decodes a file: one of this codec, or a standard file that carries a payload.

    Args:
        data: the whole file.
        options: limits; none changes a pixel.

    Returns:
        uint8 [h w 3], RGB, or [h w 4], RGBA, if the file has transparency.

    Raises:
        FormatError: not a valid file, or one that needs a model or version that is not here.

    Warns:
        ForeignUpdateWarning: see `codec.decoding.enhanced`, which decodes standard files.
    """
    options = options or DecodeOptions()
    if carrier_of(data):
        return enhanced.decode(data, options)
    container = Container.unpack(data)
    header = container.header
    if options.max_pixels is not None and header.width * header.height > options.max_pixels:
        raise LimitExceeded(
            f"{header.width}x{header.height} is more than {options.max_pixels} pixels; "
            "a larger --max-pixels (max_pixels) accepts it"
        )
    Metadata.of_chunks(container.chunks)  # no pixel depends on them, but a file is valid or not
    model = released.load(header.model)
    is_lossless = model.content == decoder.CONTENT
    if is_lossless != header.lossless:
        raise InvalidField(f"quality {header.quality} does not go with {model.content} content")
    pixels = (decoder.decode if is_lossless else _decode)(container, model, options.updates)
    if Tag.ALPHA not in container.chunks:
        return pixels
    payload = container.chunks[Tag.ALPHA]
    return transparency.join(pixels, alpha.unpack(payload, header.width, header.height))


def _decode(container: Container, model: ReleasedModel, updates: tuple[bytes, ...]) -> Pixels:
    """The colours of a lossy file."""
    header, chunks = container.header, container.chunks
    postfilter = model.postfilter
    if Tag.UPDATE in chunks:
        postfilter = update.apply(chunks[Tag.UPDATE], model, updates)
    if Tag.PRIOR in chunks:
        model = prior.apply(chunks[Tag.PRIOR], model)
    unfiltered = registry.decode(chunks[Tag.CONTENT], header, model)
    filtering = Filtering(unfiltered, postfilter, model.quality(header.quality))
    return filtering.pixels(postfilter, header.width, header.height)
