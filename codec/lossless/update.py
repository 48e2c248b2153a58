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
from codec.lossless.network import CHANNELS, OUTPUTS, Lossless
from codec.lossless.tables import FRACTIONS, SCALES
from codec.update import Method, trellis
from codec.update.subspace import Subspace

if TYPE_CHECKING:
    from codec.weights import ReleasedModel


@lru_cache(maxsize=2)
def tables_of(tables: CdfTables) -> CdfTables:
    """The tables of levels: those of a pixel error with the least tail and a mean of no fraction."""
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
    size = len(kernel) // (len(networks.passes) * CHANNELS * OUTPUTS)
    kernels, biases = (column.view(-1, OUTPUTS, size) for column in (kernel, bias))
    heads = [head for network in result.passes for head in network.heads]
    for head, weights, offsets in zip(heads, kernels, biases, strict=True):
        head.leave = _plus(head.leave, weights[:, :-1], offsets[:, -1])
    return result


def _plus(layer: torch.nn.Module, weight: Tensor, bias: Tensor) -> torch.nn.Module:
    try:
        return layer.plus(weight[:, :, None, None], bias)
    except BoundError as error:
        raise InvalidField(f"the weight update leaves the exact range: {error}") from error
