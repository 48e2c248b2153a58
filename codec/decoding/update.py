"""Weight updates: bytes -> the changed layers of one image's post-filter.

The first byte of an UPDATE payload names how the rest is coded.  Whatever the method, an update is
additive, in integers, relative to the base network that the file names; updates are never chained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bitstream import InvalidField, Truncated, UnknownUpdate, UpdatePayload
from bitstream.coding import trellis
from bitstream.update import levels as levels_payload
from bitstream.update import subspace as subspace_payload
from bitstream.update.methods import Method
from bitstream.update.shared import SharedUpdate, referred, update_id
from bitstream.update.subspace import SubspacePayload
from codec.decoding.parameters import Changes, Cosine, Kernels, LowRank, Parameters, Scales
from codec.models.kinds import FilteredModel
from codec.networks.integers import BoundError, FilterLayers

PARAMETERS: dict[Method, Parameters] = {
    Method.KERNELS: Kernels(),
    Method.SCALES: Scales(),
    Method.LOW_RANK: LowRank(),
    Method.COSINE: Cosine(),
}
"""What is coded as tensors of levels (`bitstream.update.levels`)."""


def pack(method: Method, payload: SubspacePayload | UpdatePayload, model: FilteredModel) -> bytes:
    """Levels -> an UPDATE payload."""
    if isinstance(payload, SubspacePayload):
        body = subspace_payload.pack(payload, model.subspace.scales, model.tables)
    else:
        body = levels_payload.pack(payload, PARAMETERS[method].layout(model.filter_layers))
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
    method, body = data[0], data[1:]
    if method in (Method.SUBSPACE, Method.TRELLIS):
        payload = subspace_payload.unpack(body, model.subspace.scales, model.tables)
        if method == Method.TRELLIS:
            payload = replace(payload, levels=trellis.reconstruct(payload.levels))
        shape = model.filter_layers.leave.weight.shape
        changes = {"leave": model.subspace.change(payload, shape)}
    elif method in PARAMETERS:
        parameters = PARAMETERS[Method(method)]
        levels = levels_payload.unpack(body, parameters.layout(model.filter_layers))
        changes = parameters.changes(levels, model.filter_layers)
    else:
        raise InvalidField(f"unknown method {method} of the weight update")
    return changed(model.filter_layers, changes)


def _shared(wanted: bytes, model: FilteredModel, files: Sequence[bytes]) -> bytes:
    """The payload in the update file of that id."""
    found = {file for file in files if update_id(file) == wanted}
    if not found:
        raise UnknownUpdate(
            f"needs the shared update {wanted.hex()}; --shared-update (updates) takes its .nnu file"
        )
    if len(found) > 1:
        raise InvalidField(f"two different files are the shared update {wanted.hex()}")
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
