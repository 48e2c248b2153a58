"""THE decode story: opened file -> UPDATE -> content -> picture -> filtered picture.

Standard files have another one, `codec.decoding.enhanced`, and so have lossless ones,
`codec.decoding.lossless.decoder`.
"""

from __future__ import annotations

import numpy as np

from bitstream import BadMagic, Container, LimitExceeded, Tag
from bitstream.file import pixel_checksum
from codec.contract.decoding import DecodeOptions
from codec.contract.quality import centred
from codec.decoding import update
from codec.decoding.contents import registry as contents
from codec.decoding.engines.choice import chosen
from codec.decoding.restored import Restored
from codec.models.kinds import FilteredModel, LosslessModel
from codec.models.released import load_for
from codec.networks import patience
from codec.opening import CodedFile, OpenedFile, PackedFile, StandardFile, UpdateFile
from codec.picture.metadata import Metadata
from codec.picture.pixels import Pixels, Samples, samples_of


def restore(opened: OpenedFile, options: DecodeOptions | None = None) -> Restored:
    """Decodes a file of this codec, or a standard file that carries a payload.

    A complaint about an update is returned, not warned of: jobs run in other processes and threads.

    Args:
        opened: the file.
        options: limits, update files, and the size.

    Raises:
        FormatError: it holds no picture, is not valid, or needs a model that is not here.
    """
    options = options or DecodeOptions()
    with patience.limited(options.time_limit):
        restored = _opened(opened, options)
        patience.check()  # what cannot be interrupted, such as other codecs, may have taken long
    return restored


def _opened(opened: OpenedFile, options: DecodeOptions) -> Restored:
    """Decodes a file of whatever kind it is."""
    match opened:
        case CodedFile():
            return _restored(opened.container, options)
        case StandardFile():
            from codec.decoding import enhanced

            return enhanced.restore(opened, options)
        case UpdateFile():
            raise BadMagic("is an update that pictures share, not a picture")
        case PackedFile():
            raise BadMagic("holds weights of networks, not a picture; `nncodec weights` reads it")


def _restored(container: Container, options: DecodeOptions) -> Restored:
    header = container.header
    if options.max_pixels is not None and header.width * header.height > options.max_pixels:
        raise LimitExceeded(
            f"{header.width}x{header.height} is more than {options.max_pixels} pixels; "
            "a larger --max-pixels (max_pixels) accepts it"
        )
    # No pixel depends on them, but a file is valid or not.
    metadata = Metadata.of_chunks(container.chunks)
    if options.scale > 1:
        from codec.decoding import thumbnail

        return Restored(thumbnail.decode(container, options.scale), metadata)
    pixels: Samples = _colours(container, options.updates)
    if Tag.ALPHA in container.chunks:
        from bitstream.file import alpha
        from codec.picture import transparency

        payload = container.chunks[Tag.ALPHA]
        pixels = transparency.join_opacity(
            pixels, alpha.unpack(payload, header.width, header.height)
        )
    if Tag.FINE in container.chunks:
        from codec.decoding.lossless import fine

        part = fine.part_of(container)
        pixels = pixels if options.eight_bits else fine.decode(part, pixels)
    is_whole = pixels.dtype != np.uint8 or Tag.FINE not in container.chunks
    if Tag.PIXELS in container.chunks and is_whole:
        pixel_checksum.verify(container.chunks[Tag.PIXELS], samples_of(pixels))
    return Restored(pixels, metadata, lossless=header.lossless)


def _colours(container: Container, updates: tuple[bytes, ...]) -> Pixels:
    """The picture without what ALPHA says: uint8 [h w 3], or [h w 4] if the content says it."""
    header = container.header
    if header.exact is not None:
        from codec.decoding.lossless import exact

        return exact.decode(container, header.exact)
    model = load_for(header)
    if isinstance(model, LosslessModel):
        from codec.decoding.lossless import decoder as lossless

        return lossless.decode(container, model)
    return _lossy(container, model, updates)


def _lossy(container: Container, model: FilteredModel, updates: tuple[bytes, ...]) -> Pixels:
    """The colours of a lossy file."""
    header, chunks = container.header, container.chunks
    layers, scales = model.filter_layers, None
    if Tag.UPDATE in chunks:
        layers = update.apply(chunks[Tag.UPDATE], model, updates)
    if Tag.PRIOR in chunks:
        from codec.decoding import prior

        scales = prior.apply(chunks[Tag.PRIOR], model)
    picture = contents.decode(chunks[Tag.CONTENT], header, model, scales)
    size = (header.width, header.height)
    return chosen().filter(model, layers, picture, centred(header.quality), size)
