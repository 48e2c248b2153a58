"""Weight updates of the lossless networks: bytes -> the last layers of one picture's heads.

An update changes the last layers of all heads, each in the coordinates of a subspace of its own
that ships with the model (`codec.models.subspace`).  Their levels are coded together, head by head.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bitstream import CdfTables, InvalidField, Truncated
from bitstream.update import subspace as subspace_payload
from bitstream.update.methods import Method
from bitstream.update.subspace import SubspacePayload
from codec.models.heads import HEAD_NAMES
from codec.models.kinds import LosslessModel
from codec.models.subspace import Subspace, Subspaces
from codec.networks.integers import BoundError, HeadLayers, IntegerLayer
from codec.networks.lossless.shape import FRACTIONS, SCALES


@lru_cache(maxsize=2)
def tables_of(tables: CdfTables) -> CdfTables:
    """The tables of levels: those of pixels with the least tail and a mean without fraction."""
    return CdfTables(tables.frequencies[FRACTIONS // 2 : SCALES * FRACTIONS : FRACTIONS])


def scales_of(subspaces: Subspaces) -> NDArray[np.int16]:
    """Those of all levels, in the order in which they are coded: [r]."""
    return np.concatenate([subspace.scales.ravel() for subspace in subspaces])


def split_levels(levels: NDArray[np.int32], subspaces: Subspaces) -> list[NDArray[np.int32]]:
    """All levels [r] -> those of each head, in the shape of its scales."""
    ends = np.cumsum([subspace.scales.size for subspace in subspaces])
    parts = np.split(levels, ends[:-1])
    return [
        part.reshape(subspace.scales.shape) for part, subspace in zip(parts, subspaces, strict=True)
    ]


def pack(payload: SubspacePayload, subspaces: Subspaces, tables: CdfTables) -> bytes:
    """Levels -> an UPDATE payload; `tables` are those of levels."""
    body = subspace_payload.pack(payload, scales_of(subspaces), tables)
    return bytes([Method.SUBSPACE]) + body


def unpack(data: bytes, subspaces: Subspaces, tables: CdfTables) -> SubspacePayload:
    """Inverse of `pack`.

    Raises:
        FormatError: no encoder writes such data.
    """
    if not data:
        raise Truncated("truncated: the weight update is empty")
    if data[0] != Method.SUBSPACE:
        raise InvalidField(f"unknown method {data[0]} of the weight update of a lossless file")
    return subspace_payload.unpack(data[1:], scales_of(subspaces), tables)


def heads_of(model: LosslessModel) -> HeadLayers:
    """The last layers of all heads as the model has them."""
    return {name: IntegerLayer.of_arrays(model.arrays, f"{name}.leave") for name in HEAD_NAMES}


def apply(data: bytes, model: LosslessModel) -> HeadLayers:
    """The last layers with an UPDATE payload applied.

    Raises:
        FormatError: no encoder writes such data, or see `applied`.
    """
    payload = unpack(data, model.subspaces, tables_of(model.tables))
    return applied(heads_of(model), model.subspaces, payload)


def applied(heads: HeadLayers, subspaces: Subspaces, payload: SubspacePayload) -> HeadLayers:
    """The last layers with an update applied.

    Raises:
        InvalidField: the changed networks exceed the bounds of exact arithmetic.
    """
    parts = split_levels(payload.levels, subspaces)
    return {
        name: changed(layer, subspace, replace(payload, levels=levels))
        for (name, layer), subspace, levels in zip(heads.items(), subspaces, parts, strict=True)
    }


def changed(layer: IntegerLayer, subspace: Subspace, payload: SubspacePayload) -> IntegerLayer:
    """A last layer with its part of the levels applied.  Raises InvalidField, see `applied`."""
    try:
        return layer.plus(*subspace.change(payload, layer.weight.shape))
    except BoundError as error:
        raise InvalidField(f"the weight update leaves the exact range: {error}") from error
