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
from codec.fixed_point import FRACTION_BITS, IntegerConv
from codec.lossless import colour, likelihood
from codec.lossless.coder import grids_of
from codec.lossless.integer import VALUE_BITS
from codec.lossless.likelihood import LOG2_SCALE_START, LOG_ODDS_START
from codec.lossless.network import CHANNELS, OUTPUTS, SHIFT, UNIT_PX, Lossless
from codec.lossless.scan import PHASES, Step, refine
from codec.lossless.update import applied, heads_of, multiples, pack, tables_of
from codec.picture import Pixels
from codec.update import Method
from codec.update.fit import FitTask, Fitted, fit, fit_trellis
from codec.update.normal import NormalEquations
from codec.update.subspace import Subspace
from codec.weights import ReleasedModel

ROUNDS = 3
"""How often the quadratic is taken."""
MOST_POSITIONS = 2**16
"""Of one head; larger pictures are sampled."""


@dataclass(frozen=True, eq=False)
class Samples:
    """What one head codes.

    Attributes:
        features: inputs of the last layer and a one, float [n hidden+1].
        candidates: see `Step`, float [n k].
        errors: pixel values minus base, in units, float [n].
        share: how many positions each sample stands for.
    """

    features: Tensor
    candidates: Tensor
    errors: Tensor
    share: float

    @classmethod
    def of_parts(cls, parts: list[tuple[Tensor, Tensor, Tensor]]) -> Samples:
        """From the features, candidates and errors of each grid: integers [* n]."""
        features, candidates, errors = (
            torch.cat([part.flatten(1) for part in column], 1).T * 2.0**-FRACTION_BITS
            for column in zip(*parts, strict=True)
        )
        stride = max(1, -(-len(errors) // MOST_POSITIONS))
        kept = features[::stride]
        share = len(errors) / max(1, len(kept))
        kept = torch.cat([kept, kept.new_ones(len(kept), 1)], 1)
        return cls(kept, candidates[::stride], errors[::stride, 0], share)

    def bits(self, outputs: Tensor, log2_width: float) -> Tensor:
        """Bits of each sample, given what the last layer gives, [n outputs]."""
        shift, scale, odds = outputs[:, :OUTPUTS].unbind(1)
        mean = SHIFT * shift + (outputs[:, OUTPUTS:] * self.candidates).sum(1)
        residual = UNIT_PX * (self.errors - mean)
        width = torch.tensor(log2_width)
        return likelihood.bits(residual, scale + LOG2_SCALE_START, odds + LOG_ODDS_START, width)


@torch.no_grad()
def collect(pixels: Pixels, networks: Lossless) -> list[Samples | None]:
    """Runs the integer networks over a picture: samples of every head, None if it codes nothing."""
    planes = torch.from_numpy(pixels.astype(np.int16)).permute(2, 0, 1)[None]
    values = colour.from_rgb(planes).float() * 2**VALUE_BITS
    heads = heads_of(networks)
    channels = 1 if colour.is_grey(values) else CHANNELS
    found: list[list[tuple[Tensor, Tensor, Tensor]]] = [[] for _ in range(len(PHASES) * CHANNELS)]
    for number in range(len(grids_of(*pixels.shape[:2])) - 1):
        grid = values[..., :: 2**number, :: 2**number]

        def code(step: Step, grid: Tensor = grid) -> Tensor:
            row, column = PHASES[step.index]
            wanted = grid[:, step.channel : step.channel + 1, row::2, column::2]
            rows, columns = wanted.shape[2:]
            if step.channel < channels:
                place = step.index * CHANNELS + step.channel
                limit = heads[place].leave.limit
                inside = (
                    step.features.clamp(-limit, limit),
                    step.candidates,
                    wanted - step.base[:, :, :rows, :columns],
                )
                parts = tuple(part[0, :, :rows, :columns].flatten(1) for part in inside)
                found[place].append(parts)
            # Positions outside of the grid hold what they are expected to be, about.
            settled = step.base.clone()
            settled[:, :, :rows, :columns] = wanted
            return settled

        refine(grid[..., ::2, ::2].contiguous(), networks, number, code)
    return [Samples.of_parts(parts) if parts else None for parts in found]


def weights_of(networks: Lossless) -> list[Tensor]:
    """The last layers of integer networks, as real numbers: float64 [outputs hidden+1] each."""
    return [_weights(head.leave) for head in heads_of(networks)]


def _weights(layer: IntegerConv) -> Tensor:
    kernel = layer.weight[:, :, 0, 0].double() * 2.0**-layer.shift
    bias = layer.offset.double() * 2.0 ** -(layer.shift + FRACTION_BITS)
    return torch.cat([kernel, bias[:, None]], 1)


def quadratic(
    samples: list[Samples | None], weights: list[Tensor], log2_width: float
) -> tuple[float, list[NDArray[np.float64]], list[NDArray[np.float64]]]:
    """Rate of a picture around some weights of its last layers.

    Returns:
        The bits; for each head with its k weights, the gradient [k] and the curvature [k k].
    """
    total, slopes, curvatures = 0.0, [], []
    for head, weight in zip(samples, weights, strict=True):
        if head is None:
            slopes.append(np.zeros(weight.numel()))
            curvatures.append(np.zeros((weight.numel(), weight.numel())))
            continue
        outputs = (head.features @ weight.float().T).requires_grad_()
        with torch.enable_grad():
            bits = head.bits(outputs, log2_width).sum()
            (slope,) = torch.autograd.grad(bits, outputs)
        each = (slope[:, :, None] * head.features[:, None]).flatten(1)
        total += head.share * float(bits.detach())
        slopes.append(head.share * each.double().sum(0).numpy())
        # Slopes are in bits: the information is their square in nats, the curvature again in bits.
        curvatures.append(math.log(2) * head.share * (each.T @ each).double().numpy())
    return total, slopes, curvatures


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
        change = torch.cat([(new - old).flatten() for new, old in zip(weights, base, strict=True)])
        task = task_of(slope, curvature, change.numpy(), subspace, tables, pixels)
        found = [
            _rated(method, fitted, networks, task, samples, log2_width)
            for method, fitted in _fits(task, thorough=thorough)
        ]
        bits, update = min(filter(None, found), key=lambda pair: pair[0], default=(math.inf, None))
        if bits >= least:
            break
        least, best, weights = bits, update, weights_of(update.networks)
    return best


def task_of(
    slopes: list[NDArray[np.float64]],
    curvatures: list[NDArray[np.float64]],
    change: NDArray[np.float64],
    subspace: Subspace,
    tables: CdfTables,
    pixels: Pixels,
) -> FitTask:
    """The quadratic around a change as that around none, for `codec.update.fit`."""
    gram = torch.block_diag(*map(torch.from_numpy, curvatures)).numpy()
    cross = (gram @ change - np.concatenate(slopes)) / 2
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
    samples: list[Samples | None],
    log2_width: float,
) -> tuple[float, Update] | None:
    """The bits of the picture with an update, and the update; None if networks can't have it."""
    payload = pack(method, fitted.payload, task.subspace, task.tables)
    try:
        changed = applied(networks, task.subspace, multiples(method, fitted.payload))
    except InvalidField:
        return None  # The quadratic is flat: nothing holds the weights of a constant picture.
    bits = 8.0 * len(payload)
    for head, weight in zip(samples, weights_of(changed), strict=True):
        if head is not None:
            outputs = head.features @ weight.float().T
            bits += head.share * float(head.bits(outputs, log2_width).sum())
    return bits, Update(payload, changed)
