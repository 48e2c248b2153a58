"""The rate of one picture around some weights of the last layers: nearly a quadratic.

The features of the last layers do not depend on an update, so the networks run once.  The slopes of
each pixel's bits give the gradient of the rate, and their products its curvature, since the
probabilities are about right (the empirical Fisher information).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codec.decoding.lossless.coder import grids_of
from codec.networks.fixed_point import integer
from codec.networks.integers import FRACTION_BITS, HeadLayers
from codec.networks.lossless import colour, likelihood
from codec.networks.lossless.network import OUTPUTS, SHIFT, Head, LosslessNetworks
from codec.networks.lossless.scan import PassStep, refine_grid
from codec.networks.lossless.shape import (
    CHANNELS,
    LOG2_SCALE_START,
    LOG_ODDS_START,
    PHASES,
    VALUE_BITS,
)
from codec.networks.units import PIXELS_PER_LOSSLESS_UNIT
from codec.picture.pixels import Pixels

MOST_POSITIONS = 2**17
"""Of one head; larger pictures are sampled."""
BLOCK = 2**10
"""Positions whose products are held at a time."""


Basis = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Of the change of one last layer: inner and outer, see `codec.models.subspace`."""


@dataclass(frozen=True, eq=False)
class HeadSamples:
    """What one head codes.

    Attributes:
        features: inputs of the last layer and a one, float [n hidden+1].
        candidates: see `PassStep`, float [n k].
        errors: pixel values minus base, in units, float [n].
        changes: what corrects mean, scale and odds, see `corrections`: float [n 3], or none.
        stride: positions from one sample to the next.
        share: how many positions each sample stands for.
    """

    features: Tensor
    candidates: Tensor
    errors: Tensor
    changes: Tensor
    stride: int
    share: float

    @classmethod
    def of_parts(cls, parts: list[tuple[Tensor, Tensor, Tensor]]) -> HeadSamples:
        """From the features, candidates and errors of each grid: integers [* n]."""
        features, candidates, errors = (
            torch.cat([part.flatten(1) for part in column], 1).T * 2.0**-FRACTION_BITS
            for column in zip(*parts, strict=True)
        )
        # An odd stride sees all columns of a picture whose width is even.
        stride = max(1, -(-len(errors) // MOST_POSITIONS)) | 1
        kept = features[::stride]
        share = len(errors) / len(kept)
        kept = torch.cat([kept, kept.new_ones(len(kept), 1)], 1)
        changes = torch.zeros(1, OUTPUTS)
        return cls(kept, candidates[::stride], errors[::stride, 0], changes, stride, share)

    def corrected(self, changes: Tensor) -> HeadSamples:
        """The same with what corrects all positions, [* 3]."""
        return replace(self, changes=changes[:: self.stride])

    def bits(self, outputs: Tensor, log2_width: float) -> Tensor:
        """Bits of each sample, given what the last layer gives, [n outputs]."""
        shift, scale, odds = outputs[:, :OUTPUTS].unbind(1)
        mean = SHIFT * shift + (outputs[:, OUTPUTS:] * self.candidates).sum(1)
        moved, louder, likelier = self.changes.unbind(1)
        residual = PIXELS_PER_LOSSLESS_UNIT * (self.errors - mean) - moved
        scale, odds = scale + LOG2_SCALE_START + louder, odds + LOG_ODDS_START + likelier
        return likelihood.bits(residual, scale, odds, torch.tensor(log2_width))


@torch.no_grad()
def collect(pixels: Pixels, networks: LosslessNetworks) -> list[HeadSamples | None]:
    """Runs the integer networks over a picture: samples of every head, None if it codes nothing."""
    planes = torch.from_numpy(pixels.astype(np.int16)).permute(2, 0, 1)[None]
    values = colour.from_rgb(planes).float() * 2**VALUE_BITS
    heads = _heads_of(networks)
    channels = 1 if colour.is_grey(values) else CHANNELS
    found: list[list[tuple[Tensor, Tensor, Tensor]]] = [[] for _ in range(len(PHASES) * CHANNELS)]
    for number in range(len(grids_of(*pixels.shape[:2])) - 1):
        grid = values[..., :: 2**number, :: 2**number]

        def code(step: PassStep, grid: Tensor = grid) -> Tensor:
            row, column = PHASES[step.index]
            wanted = grid[:, step.channel : step.channel + 1, row::2, column::2]
            rows, columns = wanted.shape[2:]
            if step.channel < channels:
                place = step.index * CHANNELS + step.channel
                limit = integer(heads[place].leave).limit
                inside = (
                    step.features.clamp(-limit, limit),
                    step.candidates,
                    wanted - step.base[:, :, :rows, :columns],
                )
                features, candidates, errors = (
                    part[0, :, :rows, :columns].flatten(1) for part in inside
                )
                if errors.numel():
                    found[place].append((features, candidates, errors))
            # Positions outside of the grid hold what they are expected to be, about.
            settled = step.base.clone()
            settled[:, :, :rows, :columns] = wanted
            return settled

        refine_grid(grid[..., ::2, ::2].contiguous(), networks, number, code)
    return [HeadSamples.of_parts(parts) if parts else None for parts in found]


def weights_of(networks: LosslessNetworks) -> list[Tensor]:
    """The last layers of integer networks, as real numbers: float64 [outputs hidden+1] each."""
    layers = [integer(head.leave) for head in _heads_of(networks)]
    return [_weights(layer.weight, layer.offset, layer.shift) for layer in layers]


def weights_of_layers(heads: HeadLayers) -> list[Tensor]:
    """The same of last layers by themselves."""
    return [
        _weights(torch.from_numpy(layer.weight), torch.from_numpy(layer.bias), layer.shift)
        for layer in heads.values()
    ]


def _heads_of(networks: LosslessNetworks) -> list[Head]:
    """The heads of all passes, in the order in which they are coded."""
    return [head for network in networks.passes for head in network.heads]


def _weights(weight: Tensor, bias: Tensor, shift: int) -> Tensor:
    kernel = weight[:, :, 0, 0].double() * 2.0**-shift
    bias = bias.double() * 2.0 ** -(shift + FRACTION_BITS)
    return torch.cat([kernel, bias[:, None]], 1)


@dataclass(frozen=True, eq=False)
class Quadratic:
    """Bits of a head around some weights: k . gram k - 2 k . cross, up to a constant.

    Attributes:
        gram: float64 [r r].
        cross: float64 [r].
    """

    gram: NDArray[np.float64]
    cross: NDArray[np.float64]

    def around(self, start: NDArray[np.float64]) -> Quadratic:
        """The same of coordinates [r] that count from elsewhere: `start` is where this one is."""
        return Quadratic(self.gram, self.cross + self.gram @ start)


def quadratic(
    samples: HeadSamples, weight: Tensor, log2_width: float, basis: Basis
) -> tuple[float, Quadratic]:
    """The bits of a head with some weights, and the quadratic of changes of these weights.

    Args:
        samples: of the head.
        weight: of its last layer, float64 [outputs hidden+1].
        log2_width: of the model.
        basis: a change is inner . coordinates . outer, transposed; coordinates [rows columns] are
            in raster order.
    """
    inner, outer = (torch.from_numpy(part).float() for part in basis)
    outputs = (samples.features @ weight.float().T).requires_grad_()
    with torch.enable_grad():
        bits = samples.bits(outputs, log2_width).sum()
        (slope,) = torch.autograd.grad(bits, outputs)
    features, slope = (samples.features @ inner).T, (slope @ outer.T).T
    cross = (features @ slope.T).flatten() * (-samples.share / 2)
    # Slopes are in bits: the information is their square in nats, the curvature again in bits.
    gram = _gram(features, slope) * (math.log(2) / 2 * samples.share)
    found = Quadratic(gram.double().numpy(), cross.double().numpy())
    return samples.share * float(bits.detach()), found


def nothing(basis: Basis) -> Quadratic:
    """Of a head that codes nothing."""
    inner, outer = basis
    size = inner.shape[1] * len(outer)
    return Quadratic(np.zeros((size, size)), np.zeros(size))


def _gram(features: Tensor, slopes: Tensor) -> Tensor:
    """Sums of products of what positions have of each coordinate: features times slopes.

    The products of two features times those of two slopes give it, of which half are the same.

    Args:
        features: [rows n].
        slopes: [columns n].

    Returns:
        [rows*columns rows*columns].
    """
    rows, columns = len(features), len(slopes)
    ours, theirs = (torch.empty(n * (n + 1) // 2, BLOCK) for n in (rows, columns))
    sums = torch.zeros(len(ours), len(theirs))
    for start in range(0, features.shape[1], BLOCK):
        some = slice(start, start + BLOCK)
        sums.addmm_(_pairs(features[:, some], ours), _pairs(slopes[:, some], theirs).T)
    gram = sums[_pair_of(rows)][..., _pair_of(columns)].transpose(1, 2)
    return gram.reshape(rows * columns, -1)


def _pairs(rows: Tensor, room: Tensor) -> Tensor:
    """Products of any two rows, ordered as in `_pair_of`: [n k] -> [n (n + 1) / 2, k] of `room`."""
    pairs, first = room[:, : rows.shape[1]], 0
    for number, row in enumerate(rows):
        others = rows[number:]
        torch.mul(row, others, out=pairs[first : first + len(others)])
        first += len(others)
    return pairs


def _pair_of(count: int) -> Tensor:
    """Which of these products is that of two rows: [count count]."""
    first, second = torch.triu_indices(count, count)
    found = torch.empty(count, count, dtype=torch.long)
    found[first, second] = found[second, first] = torch.arange(len(first))
    return found
