"""Overfits the last layers to one picture: what update of them saves more bits than it costs.

Levels that minimise quadratic (`codec.encoding.lossless.quadratic`) + rate of the update are found
head by head, as for the post-filter (`codec.encoding.updates.fit`); then the corrections and the
quadratic are taken anew around them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bitstream import CdfTables, InvalidField
from bitstream.update.subspace import STEPS, SubspacePayload, table_of
from codec.decoding.lossless.update import applied, changed, heads_of, pack, split_levels, tables_of
from codec.encoding.lossless.corrections import corrections
from codec.encoding.lossless.quadratic import (
    HeadSamples,
    Quadratic,
    collect,
    nothing,
    quadratic,
    weights_of,
    weights_of_layers,
)
from codec.encoding.updates.fit import descend, level_costs
from codec.models.kinds import LosslessModel
from codec.models.subspace import STEPS_PER_OCTAVE, Subspaces, step_size
from codec.networks.integers import HeadLayers
from codec.networks.lossless.shape import LOG2_SCALE_MIN
from codec.networks.units import ideal_step
from codec.picture.pixels import Pixels

ROUNDS, THOROUGH_ROUNDS = 4, 8
"""How often the quadratic is taken."""
CAUTION = 2.0
"""By how much more curved the rate is taken to be where a step has gone too far."""
COARSER = 3
"""Quarter octaves by which the step is coarser than theory says: levels that are chosen by rate
and distortion like it so (measured on CID22)."""


@dataclass(frozen=True, eq=False)
class Update:
    """An update of one picture.

    Attributes:
        payload: of the UPDATE chunk.
        heads: the last layers that it makes.
        coordinates: float64, of each head, in raster order.
    """

    payload: bytes
    heads: HeadLayers
    coordinates: list[NDArray[np.float64]]


def fit_heads(
    pixels: Pixels,
    model: LosslessModel,
    *,
    thorough: bool,
    on_step: Callable[[float, float], None] = lambda done, cost: None,
) -> Update | None:
    """The best update of a picture, or None if every one costs more than it saves.

    Args:
        pixels: uint8 [h w 3].
        model: what the update changes.
        thorough: whether to take the quadratic more often.
        on_step: called before each round with the fraction done, and with its cost in bits:
            negative where that is better than no update.
    """
    if pixels[..., 0].size == 1:
        return None  # The only pixel is coded without networks.
    log2_width = float(model.arrays["log2_width"])
    tables, subspaces = tables_of(model.tables), model.subspaces
    samples = corrected(collect(pixels, model.networks), pixels, model, heads_of(model))
    unchanged, around = quadratics(samples, weights_of(model.networks), log2_width, subspaces)
    best, least, caution = None, unchanged, 1.0
    rounds = THOROUGH_ROUNDS if thorough else ROUNDS
    for number in range(rounds):
        on_step(number / rounds, least - unchanged)
        wary = [replace(found, gram=caution * found.gram) for found in around]
        if best:
            pairs = zip(wary, best.coordinates, strict=True)
            wary = [found.around(moved) for found, moved in pairs]
        payload = quantized(wary, subspaces, tables, pixels[..., 0].size)
        update = _update(payload, model, tables)
        bits = _rate(update, samples, log2_width)
        if bits >= least:
            caution *= CAUTION
            continue
        least, best = bits, update
        if number < rounds - 1:
            samples = corrected(samples, pixels, model, update.heads)
            weights = weights_of_layers(update.heads)
            least, around = quadratics(samples, weights, log2_width, subspaces)
            least += 8 * len(update.payload)
    return best


def corrected(
    samples: list[HeadSamples | None], pixels: Pixels, model: LosslessModel, heads: HeadLayers
) -> list[HeadSamples | None]:
    """Samples with what corrects them if the last layers are these."""
    pairs = zip(samples, corrections(pixels, model, heads), strict=True)
    return [head and head.corrected(changes) for head, changes in pairs]


def quadratics(
    samples: list[HeadSamples | None],
    weights: list[Tensor],
    log2_width: float,
    subspaces: Subspaces,
) -> tuple[float, list[Quadratic]]:
    """Bits of a picture, and the quadratic of every head in the coordinates of its subspace."""
    total, found = 0.0, []
    for head, weight, subspace in zip(samples, weights, subspaces, strict=True):
        if head is None:
            found.append(nothing(subspace.bases))
            continue
        bits, around = quadratic(head, weight, log2_width, subspace.bases)
        total += bits
        found.append(around)
    return total, found


def quantized(
    around: list[Quadratic], subspaces: Subspaces, tables: CdfTables, positions: int
) -> SubspacePayload:
    """Levels that minimise the sum of all quadratics and the bits of the levels."""
    # An entropy-coded uniform quantiser at high rate: d(error)/d(bits) = 2 ln2 step^2 / 12.
    ideal = ideal_step(positions)
    step = round(-STEPS_PER_OCTAVE * math.log2(ideal)) - COARSER
    step = min(max(step, 0), STEPS - 1)
    size = step_size(step)
    spread = round(-STEPS_PER_OCTAVE * math.log2(size))
    levels = []
    for found, subspace in zip(around, subspaces, strict=True):
        scales = subspace.scales.reshape(-1, 1)
        costs = level_costs(tables)[:, table_of(scales, spread, tables)]
        start = np.round(_unquantized(found, scales[:, 0]) / size)[:, None]
        gram, cross = found.gram * size**2, found.cross[:, None] * size
        levels.append(descend(gram, cross, costs, start)[0].ravel())
    return SubspacePayload(step, spread, np.concatenate(levels).astype(np.int32))


def _unquantized(found: Quadratic, scales: NDArray[np.int16]) -> NDArray[np.float64]:
    """Coordinates of the least bits if they were sent as real numbers from a normal prior."""
    deviation = np.exp2(scales / STEPS_PER_OCTAVE + LOG2_SCALE_MIN) * math.pi / math.sqrt(3)
    penalty = 1 / (2 * math.log(2) * deviation**2)
    return np.linalg.solve(found.gram + np.diag(penalty), found.cross).astype(np.float64)


def _update(payload: SubspacePayload, model: LosslessModel, tables: CdfTables) -> Update:
    """The update of some levels, without those of the heads that cannot have theirs."""
    subspaces = model.subspaces
    parts = split_levels(payload.levels, subspaces)
    heads = heads_of(model)
    for layer, subspace, levels in zip(heads.values(), subspaces, parts, strict=True):
        try:
            changed(layer, subspace, replace(payload, levels=levels))
        except InvalidField:
            levels[:] = 0  # The quadratic is flat: nothing holds the weights of a constant picture.
    levels = np.concatenate([part.ravel() for part in parts])
    kept = replace(payload, levels=levels)
    coordinates = [part.ravel().astype(np.float64) * step_size(payload.step) for part in parts]
    return Update(pack(kept, subspaces, tables), applied(heads, subspaces, kept), coordinates)


def _rate(update: Update, samples: list[HeadSamples | None], log2_width: float) -> float:
    """Bits of the picture with an update, those of the update included."""
    bits = 8.0 * len(update.payload)
    for head, weight in zip(samples, weights_of_layers(update.heads), strict=True):
        if head is not None:
            outputs = head.features @ weight.float().T
            bits += head.share * float(head.bits(outputs, log2_width).sum())
    return bits
