"""Weight updates of the lossless networks: bytes -> the networks of one picture.

An update changes the last layers of all heads, in the coordinates of a subspace that ships with the
model (`codec.update.subspace`).  Their weights stand in one column: head by head, output by output,
the weights of its inputs and then its bias.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bitstream import CdfTables, InvalidField, Truncated
from bitstream import subspace as subspace_payload
from bitstream.subspace import SubspacePayload
from codec.fixed_point import BoundError
from codec.lossless.network import Head, Lossless
from codec.lossless.tables import FRACTIONS, SCALES
from codec.update import Method, trellis
from codec.update.subspace import Subspace

if TYPE_CHECKING:
    from codec.weights import ReleasedModel


@lru_cache(maxsize=2)
def tables_of(tables: CdfTables) -> CdfTables:
    """The tables of levels: those of pixels with the least tail and a mean without fraction."""
    return CdfTables(tables.frequencies[FRACTIONS // 2 : SCALES * FRACTIONS : FRACTIONS])


def pack(method: Method, payload: SubspacePayload, subspace: Subspace, tables: CdfTables) -> bytes:
    """Levels -> an UPDATE payload; `tables` are those of levels."""
    return bytes([method]) + subspace_payload.pack(payload, subspace.scales, tables)


def unpack(data: bytes, subspace: Subspace, tables: CdfTables) -> SubspacePayload:
    """Inverse of `pack`; the levels of a trellis come as multiples of the step.

    Raises:
        FormatError: no encoder writes such data.
    """
    if not data:
        raise Truncated("truncated: the weight update is empty")
    method, body = data[0], data[1:]
    if method not in (Method.SUBSPACE, Method.TRELLIS):
        raise InvalidField(f"unknown method {method} of the weight update of a lossless file")
    payload = subspace_payload.unpack(body, subspace.scales, tables)
    return multiples(Method(method), payload)


def multiples(method: Method, payload: SubspacePayload) -> SubspacePayload:
    """The payload with its levels as multiples of the step."""
    if method != Method.TRELLIS:
        return payload
    return replace(payload, levels=trellis.reconstruct(payload.levels))


def apply(data: bytes, model: ReleasedModel) -> Lossless:
    """The networks with an UPDATE payload applied.

    Raises:
        FormatError: no encoder writes such data, or see `applied`.
    """
    payload = unpack(data, model.subspace, tables_of(model.tables))
    return applied(model.networks, model.subspace, payload)


def applied(networks: Lossless, subspace: Subspace, payload: SubspacePayload) -> Lossless:
    """The integer networks with an update of such multiples applied.

    Raises:
        InvalidField: the changed networks exceed the bounds of exact arithmetic.
    """
    kernel, bias = (torch.from_numpy(moves[:, 0]) for moves in subspace.moves(payload))
    result = copy.deepcopy(networks)
    heads = heads_of(result)
    for head, weights, offsets in zip(heads, split(kernel, heads), split(bias, heads), strict=True):
        try:
            head.leave = head.leave.plus(weights[:, :-1, None, None], offsets[:, -1])
        except BoundError as error:
            raise InvalidField(f"the weight update leaves the exact range: {error}") from error
    return result


def heads_of(networks: Lossless) -> list[Head]:
    """The heads of all passes, in the order in which they are coded."""
    return [head for network in networks.passes for head in network.heads]


def split(column: Tensor, heads: list[Head]) -> list[Tensor]:
    """Numbers of all last layers [n] -> those of each head, [outputs inputs+1]."""
    shapes = [(len(head.leave.weight), head.leave.weight.shape[1] + 1) for head in heads]
    parts = column.split([rows * columns for rows, columns in shapes])
    return [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]
