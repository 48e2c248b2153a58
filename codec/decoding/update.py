"""Weight updates: bytes -> the changed layers of one image's post-filter.

The first byte of an UPDATE payload names how the rest is coded.  Whatever the method, an update is
additive, in integers, relative to the base network that the file names; updates are never chained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bitstream import InvalidField, Truncated, UnknownUpdate
from bitstream.update import subspace
from bitstream.update.methods import Method, referred, update_id
from bitstream.update.subspace import SubspacePayload
from codec.models.kinds import FilteredModel
from codec.networks.integers import BoundError, Changes, FilterLayers

if TYPE_CHECKING:
    from bitstream.update.levels import UpdatePayload


def pack(method: Method, payload: SubspacePayload | UpdatePayload, model: FilteredModel) -> bytes:
    """Levels -> an UPDATE payload."""
    if isinstance(payload, SubspacePayload):
        body = subspace.pack(payload, model.subspace.scales, model.tables)
    else:
        from codec.decoding import parameters

        body = parameters.pack(method, payload, model.filter_layers)
    return bytes([method]) + body


def apply(data: bytes, model: FilteredModel, files: Sequence[bytes] = ()) -> FilterLayers:
    """The layers of the post-filter with an UPDATE payload applied.

    Args:
        data: the payload.
        model: what it changes.
        files: update files at hand, for a payload that names one.

    Raises:
        FormatError: no encoder writes such data, the file that it names is not there, or the
            changed network exceeds the bounds of exact arithmetic.
    """
    if not data:
        raise Truncated("truncated: the weight update is empty")
    wanted = referred(data)
    if wanted is not None:
        data = _shared(wanted, model, files)
    return changed(model.filter_layers, _changes(data[0], data[1:], model))


def _changes(method: int, body: bytes, model: FilteredModel) -> Changes:
    """Reads what follows the method; only what codes it is imported."""
    layers = model.filter_layers
    match method:
        case Method.SUBSPACE | Method.TRELLIS:
            payload = subspace.unpack(body, model.subspace.scales, model.tables)
            if method == Method.TRELLIS:
                from bitstream.coding import trellis

                payload = replace(payload, levels=trellis.reconstruct(payload.levels))
            return {"leave": model.subspace.change(payload, layers.leave.weight.shape)}
        case Method.KERNELS | Method.SCALES | Method.LOW_RANK | Method.COSINE:
            from codec.decoding import parameters

            return parameters.unpack(Method(method), body, layers)
    raise InvalidField(f"unknown method {method} of the weight update")


def _shared(wanted: bytes, model: FilteredModel, files: Sequence[bytes]) -> bytes:
    """The payload in the update file of that id."""
    found = {file for file in files if update_id(file) == wanted}
    if not found:
        raise UnknownUpdate(
            f"needs the shared update {wanted.hex()}; --shared-update (updates) takes its .nnu file"
        )
    if len(found) > 1:
        raise InvalidField(f"two different files are the shared update {wanted.hex()}")
    from bitstream.update.shared import SharedUpdate

    shared = SharedUpdate.unpack(found.pop())
    if shared.model != model.id:
        raise InvalidField("the shared update belongs to another model")
    return shared.update


def changed(layers: FilterLayers, changes: Changes) -> FilterLayers:
    """Layers with integers added to kernels and biases of those that are named.

    Raises:
        InvalidField: the changed network exceeds the bounds of exact arithmetic.
    """
    try:
        return layers._replace(
            **{name: getattr(layers, name).plus(*change) for name, change in changes.items()}
        )
    except BoundError as error:
        raise InvalidField(f"the weight update leaves the exact range: {error}") from error
