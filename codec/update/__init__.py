"""Weight updates: bytes -> the post-filter of one image.

The first byte of an UPDATE payload names how the rest is coded.  Whatever the method, an update is
additive, in integers, relative to the base network that the file names; updates are never chained.
"""

from __future__ import annotations

import copy
from enum import IntEnum
from typing import TYPE_CHECKING

from torch import Tensor

from bitstream import InvalidField, Truncated
from bitstream import subspace as subspace_payload
from codec.fixed_point import BoundError
from codec.layers import Conv
from codec.postfilter import PostFilter
from codec.update import kernels

if TYPE_CHECKING:
    from codec.weights import ReleasedModel


class Method(IntEnum):
    """How an update is parameterised and coded."""

    SUBSPACE = 1
    KERNELS = 2


def apply(data: bytes, model: ReleasedModel) -> PostFilter:
    """The integer post-filter with an UPDATE payload applied.

    Raises:
        FormatError: no encoder writes such data, or the changed network exceeds the bounds of
            exact arithmetic.
    """
    if not data:
        raise Truncated("truncated: the weight update is empty")
    method, body = data[0], data[1:]
    if method == Method.SUBSPACE:
        payload = subspace_payload.unpack(body, model.subspace.scales, model.tables)
        changes = {"leave": model.subspace.change(payload, model.postfilter.leave)}
    elif method == Method.KERNELS:
        changes = kernels.changes(kernels.unpack(body, model.postfilter), model.postfilter)
    else:
        raise InvalidField(f"unknown method {method} of the weight update")
    return changed(model.postfilter, changes)


def changed(postfilter: PostFilter, changes: dict[str, tuple[Tensor, Tensor]]) -> PostFilter:
    """The integer post-filter with integers added to kernels and biases of the named layers.

    Raises:
        InvalidField: the changed network exceeds the bounds of exact arithmetic.
    """
    result = copy.deepcopy(postfilter)
    for name, (kernel, bias) in changes.items():
        layer: Conv = getattr(postfilter, name)
        try:
            setattr(result, name, layer.plus(kernel, bias))
        except BoundError as error:
            raise InvalidField(f"the weight update leaves the exact range: {error}") from error
    return result
