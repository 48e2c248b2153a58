"""Overfits the last layers to one picture: what update of them saves more bits than it costs.

The features of the last layers do not depend on an update, so the networks run once.  Around any
weights the rate is nearly a quadratic in their change: the slopes of each pixel's bits give its
gradient, and their products its curvature, since the probabilities are about right (the empirical
Fisher information).  What minimises quadratic + rate of the update is found as for the post-filter
(`codec.update.fit`); then the quadratic is taken anew around it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitstream import CdfTables, InvalidField
from codec.fixed_point import FRACTION_BITS
from codec.lossless import colour, likelihood
from codec.lossless.coder import grids_of
from codec.lossless.integer import VALUE_BITS
from codec.lossless.likelihood import LOG2_SCALE_START, LOG_ODDS_START
from codec.lossless.network import CHANNELS, UNIT_PX, Lossless
from codec.lossless.scan import PHASES, Step, refine
from codec.lossless.update import applied, multiples, pack, tables_of
from codec.picture import Pixels
from codec.update import Method
from codec.update.fit import Fitted, FitTask, fit, fit_trellis
from codec.update.normal import NormalEquations
from codec.update.subspace import Subspace
from codec.weights import ReleasedModel

ROUNDS = 3
"""How often the quadratic is taken."""
MOST_POSITIONS = 2**17
"""Of one head; larger pictures are sampled."""


@dataclass(frozen=True, eq=False)
class Samples:
    """What one head codes.

    Attributes:
        features: inputs of the last layer and a one, float [n hidden+1].
        errors: pixel values minus base, in units, float [n].
        share: how many positions each sample stands for.
    """

    features: Tensor
    errors: Tensor
    share: float


@torch.no_grad()
def collect(pixels: Pixels, networks: Lossless) -> list[Samples]:
    """Runs the integer networks over a picture: samples of every head, in order."""
    planes = torch.from_numpy(pixels.astype(np.int16)).permute(2, 0, 1)[None]
    values = colour.from_rgb(planes).float() * 2**VALUE_BITS
    channels = 1 if colour.is_grey(values) else CHANNELS
    found: list[list[tuple[Tensor, Tensor]]] = [[] for _ in range(len(PHASES) * CHANNELS)]
    for number in range(len(grids_of(*pixels.shape[:2])) - 1):
        grid = values[..., :: 2**number, :: 2**number]

        def code(step: Step, grid: Tensor = grid) -> Tensor:
            row, column = PHASES[step.index]
            wanted = grid[:, step.channel : step.channel + 1, row::2, column::2]
            rows, columns = wanted.shape[2:]
            features = step.features[0, :, :rows, :columns].flatten(1)
            errors = (wanted - step.base[:, :, :rows, :columns]).flatten()
            count = len(errors) if step.channel < channels else 0
            part = (features[:, :count], errors[:count])
            found[step.index * CHANNELS + step.channel].append(part)
            # Positions outside of the grid hold what they are expected to be, about.
            settled = step.base.clone()
            settled[:, :, :rows, :columns] = wanted
            return settled

        refine(grid[..., ::2, ::2].contiguous(), networks, number, code)
    return [_joined(parts) for parts in found]


def _joined(parts: list[tuple[Tensor, Tensor]]) -> Samples:
    features = torch.cat([part for part, _ in parts], 1).T * 2.0**-FRACTION_BITS
    errors = torch.cat([part for _, part in parts]) * 2.0**-FRACTION_BITS
    stride = max(1, -(-len(errors) // MOST_POSITIONS))
    share = len(errors) / max(1, len(errors[::stride]))
    ones = features.new_ones(len(features), 1)
    return Samples(torch.cat([features, ones], 1)[::stride].contiguous(), errors[::stride], share)


def weights_of(networks: Lossless) -> Tensor:
    """The last layers of integer networks, as real numbers: float64 [heads outputs hidden+1]."""
    layers = [head.leave for network in networks.passes for head in network.heads]
    return torch.stack([_weights(layer) for layer in layers])


def _weights(layer: torch.nn.Module) -> Tensor:
    kernel = layer.weight[:, :, 0, 0].double() * 2.0**-layer.shift
    bias = layer.offset.double() * 2.0 ** -(layer.shift + FRACTION_BITS)
    return torch.cat([kernel, bias[:, None]], 1)


def bits_of(samples: Samples, outputs: Tensor, log2_width: float) -> Tensor:
    """Bits of the samples of a head, given what its last layer gives, [n outputs]."""
    mean, scale, odds = outputs.unbind(1)
    residual = UNIT_PX * (samples.errors - mean)
    width = torch.tensor(log2_width)
    return likelihood.bits(residual, scale + LOG2_SCALE_START, odds + LOG_ODDS_START, width)


def quadratic(
    samples: list[Samples], weights: Tensor, log2_width: float
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Rate of a picture around some weights of its last layers.

    Returns:
        The bits, their gradient [n], and their curvature, [heads k k] for each head's k weights.
    """
    total, slopes, curvatures = 0.0, [], []
    for head, weight in zip(samples, weights.float(), strict=True):
        outputs = (head.features @ weight.T).requires_grad_()
        with torch.enable_grad():
            bits = bits_of(head, outputs, log2_width).sum()
            (slope,) = torch.autograd.grad(bits, outputs)
        each = (slope[:, :, None] * head.features[:, None]).flatten(1)
        total += head.share * float(bits)
        slopes.append(head.share * each.double().sum(0).numpy())
        # Slopes are in bits: the information is their square in nats, the curvature again in bits.
        curvatures.append(math.log(2) * head.share * (each.T @ each).double().numpy())
    return total, np.concatenate(slopes), np.stack(curvatures)


@dataclass(frozen=True, eq=False)
class Update:
    """An update of one picture: its payload, and the networks that it makes."""

    payload: bytes
    networks: Lossless


def search(
    pixels: Pixels,
    model: ReleasedModel,
    *,
    thorough: bool,
    on_step: Callable[[float, float], None] = lambda done, cost: None,
) -> Update | None:
    """The best update of a picture, or None if every one costs more than it saves.

    Args:
        pixels: uint8 [h w 3].
        model: what the update changes.
        thorough: whether to try several steps, spreads and a trellis.
        on_step: called before each round with the fraction done, and with its cost in bits:
            negative where that is better than no update.
    """
    if pixels[..., 0].size == 1:
        return None  # The only pixel is coded without networks.
    networks, subspace, tables = model.networks, model.subspace, tables_of(model.tables)
    log2_width = float(model.tensors["log2_width"])
    samples = collect(pixels, networks)
    base = weights_of(networks)
    weights, best, least = base, None, math.inf
    for number in range(ROUNDS):
        bits, slope, curvature = quadratic(samples, weights, log2_width)
        if number == 0:
            least = unchanged = bits
        on_step(number / ROUNDS, least - unchanged)
        task = _task(slope, curvature, (weights - base).numpy(), subspace, tables, pixels)
        found = [
            _rated(method, fitted, networks, task, samples, log2_width)
            for method, fitted in _fits(task, thorough=thorough)
        ]
        bits, update = min(filter(None, found), key=lambda pair: pair[0], default=(math.inf, None))
        if bits >= least:
            break
        least, best, weights = bits, update, weights_of(update.networks)
    return best


def _task(
    slope: NDArray[np.float64],
    curvature: NDArray[np.float64],
    change: NDArray[np.float64],
    subspace: Subspace,
    tables: CdfTables,
    pixels: Pixels,
) -> FitTask:
    """The quadratic around a change as that around none, for `codec.update.fit`."""
    gram = torch.block_diag(*torch.from_numpy(curvature)).numpy()
    cross = (gram @ change.ravel() - slope) / 2
    positions = pixels[..., 0].size
    # The prior's scales are absolute: an energy of one per position makes the deviation one.
    normal = NormalEquations(gram / 2, cross[:, None], positions, positions)
    return FitTask(normal, subspace, tables, 1.0)


def _fits(task: FitTask, *, thorough: bool) -> Iterator[tuple[Method, Fitted]]:
    plain = fit(task, thorough=thorough)
    if plain is None:
        return
    yield Method.SUBSPACE, plain
    finer = fit_trellis(task, plain) if thorough else None
    if finer is not None:
        yield Method.TRELLIS, finer


def _rated(
    method: Method,
    fitted: Fitted,
    networks: Lossless,
    task: FitTask,
    samples: list[Samples],
    log2_width: float,
) -> tuple[float, Update] | None:
    """The bits of the picture with an update, and the update; None if networks can't have it."""
    payload = pack(method, fitted.payload, task.subspace, task.tables)
    try:
        changed = applied(networks, task.subspace, multiples(method, fitted.payload))
    except InvalidField:
        return None  # The quadratic is flat: nothing holds the weights of a constant picture.
    bits = 8.0 * len(payload)
    for head, weight in zip(samples, weights_of(changed).float(), strict=True):
        bits += head.share * float(bits_of(head, head.features @ weight.T, log2_width).sum())
    return bits, Update(payload, changed)
