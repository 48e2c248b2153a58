"""THE restore story: standard file -> its picture, its payload -> filtered picture.

An update is only ever applied to the picture that it was made for: the payload knows its checksum.
"""

from __future__ import annotations

from bitstream import FormatError, InvalidField, UnknownModel
from bitstream.carriers.enhancement import Enhancement
from codec.contract.decoding import DecodeOptions
from codec.contract.quality import centred
from codec.decoding import update
from codec.decoding.engines.choice import chosen
from codec.decoding.restored import Restored
from codec.errors import ImageError
from codec.models import released
from codec.models.kinds import FilteredModel
from codec.networks.integers import FilterLayers
from codec.opening import StandardFile
from codec.picture import halves, standard
from codec.picture.metadata import upright
from codec.picture.pixels import Pixels

CHANGED = "was changed after it was enhanced: only the filter for all pictures is applied"


def restore(file: StandardFile, options: DecodeOptions) -> Restored:
    """Decodes a standard file that carries a payload.

    Args:
        file: the file.
        options: limits, and the size.

    Raises:
        FormatError: it carries nothing, or is broken, or holds what 8-bit RGB does not.
    """
    if file.payload is None:
        raise InvalidField(
            "carries nothing for this decoder; `nncodec enhance` adds it, given the original"
        )
    try:
        pixels = standard.read_pixels(file.data, options.max_pixels)
        metadata = standard.read_metadata(file.data)
    except ImageError as error:
        raise InvalidField(str(error)) from error
    if options.scale > 1:
        from codec.decoding.thumbnail import shrink

        small = upright(shrink(pixels, options.scale), metadata.orientation)
        return Restored(small, metadata.upright())
    filtered, complaint = _apply(file.payload, file.carrier.NAME, pixels)
    # What the file stores was filtered; only then is it turned.
    turned = upright(filtered, metadata.orientation)
    return Restored(turned, metadata.upright(), complaint)


def _apply(payload: bytes, content: str, pixels: Pixels) -> tuple[Pixels, str]:
    """The filtered picture, and what is wrong with the payload (empty: nothing)."""
    try:
        enhancement = Enhancement.unpack(payload)
        model = _load(enhancement.model, content)
    except FormatError as error:
        return pixels, f"is shown as any viewer shows it: {error}"

    layers, complaint = model.filter_layers, ""
    if not enhancement.matches(standard.picture_of(pixels)):
        complaint = CHANGED
    elif enhancement.update:
        try:
            layers = update.apply(enhancement.update, model)
        except FormatError as error:
            complaint = f"is shown without its update: {error}"
    return _filtered(pixels, layers, model, enhancement.quality), complaint


def _load(model_id: bytes, content: str) -> FilteredModel:
    """The model, if it is one for that format."""
    model = released.load(model_id)
    if not isinstance(model, FilteredModel) or model.content != content:
        raise UnknownModel(f"model {model.name} is for {model.content}, not for {content}")
    return model


def _filtered(pixels: Pixels, layers: FilterLayers, model: FilteredModel, half: int) -> Pixels:
    height, width, _ = pixels.shape
    picture = halves.of_pixels(pixels, model.multiple)
    return chosen().filter(model, layers, picture, centred(half), (width, height))
