"""THE restore story: standard file -> its picture, its payload -> filtered picture.

An update is only ever applied to the picture that it was made for: the payload knows its checksum.
"""

from __future__ import annotations

import warnings

import torch

from bitstream import FormatError, InvalidField, UnknownModel
from bitstream.carriers import carrier_of
from bitstream.carriers.enhancement import Enhancement
from codec.contract.options import DecodeOptions
from codec.decoding import update
from codec.decoding.filtering import Filtering
from codec.errors import ForeignUpdateWarning, ImageError
from codec.models import released
from codec.models.released import ReleasedModel
from codec.networks.pictures import to_unfiltered
from codec.networks.postfilter import PostFilter
from codec.picture import standard
from codec.picture.pixels import Pixels

CHANGED = "was changed after it was enhanced: only the filter for all pictures is applied"


def decode(data: bytes, options: DecodeOptions) -> Pixels:
    """Decodes a standard file that carries a payload.

    Args:
        data: the whole file.
        options: limits.

    Returns:
        uint8 [h w 3], RGB, as the file stores it: its orientation is not applied.

    Raises:
        FormatError: it carries none, or is broken, or holds what 8-bit RGB does not.

    Warns:
        ForeignUpdateWarning: the payload is not for this picture, so that only the base filter is
            applied, or not for this program, so that nothing is.
    """
    pixels, complaint = restore(data, options.max_pixels)
    if complaint:
        warnings.warn(complaint, ForeignUpdateWarning, stacklevel=3)
    return pixels


@torch.no_grad()
@torch.autocast("cpu", enabled=False)  # lower precision would break exactness
def restore(data: bytes, max_pixels: int | None = None) -> tuple[Pixels, str]:
    """The picture, and what is wrong with the payload (empty: nothing)."""
    carrier = carrier_of(data)
    payload = carrier and carrier.extract(data)
    if not carrier or payload is None:
        raise InvalidField(
            "carries nothing for this decoder; `nncodec enhance` adds it, given the original"
        )
    try:
        pixels = standard.read_pixels(data, max_pixels)
    except ImageError as error:
        raise InvalidField(str(error)) from error
    try:
        enhancement = Enhancement.unpack(payload)
        model = _load(enhancement.model, carrier.NAME)
    except FormatError as error:
        return pixels, f"is shown as any viewer shows it: {error}"

    postfilter, complaint = model.postfilter, ""
    if not enhancement.matches(standard.picture_of(pixels)):
        complaint = CHANGED
    elif enhancement.update:
        try:
            postfilter = update.apply(enhancement.update, model)
        except FormatError as error:
            complaint = f"is shown without its update: {error}"
    return _filtered(pixels, postfilter, model, enhancement.quality), complaint


def _load(model_id: bytes, content: str) -> ReleasedModel:
    """The model, if it is one for that format."""
    model = released.load(model_id)
    if model.content != content:
        raise UnknownModel(f"model {model.name} is for {model.content}, not for {content}")
    return model


def _filtered(pixels: Pixels, postfilter: PostFilter, model: ReleasedModel, half: int) -> Pixels:
    height, width, _ = pixels.shape
    unfiltered = to_unfiltered(pixels, model.multiple)
    return Filtering(unfiltered, postfilter, model.quality(half)).pixels(postfilter, width, height)
