"""Fits how much of each correction of lossless predictions is believed.

    python -m scripts train.corrections --data DIR --every 32

Takes each N-th of the training pictures, shrunk, with the update that its file would have, and
prints the numbers of `codec/networks/lossless/gains.py`: for each pass, channel and step the least
bits of all pixels (L-BFGS; a small penalty keeps what tells nothing at 0).
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codec.contract.contents import LOSSLESS
from codec.decoding.engines.choice import chosen
from codec.decoding.lossless.coder import from_rgb, grids_of
from codec.decoding.lossless.update import heads_of
from codec.encoding.lossless import fit
from codec.models import released
from codec.models.kinds import LosslessModel, as_kind
from codec.networks.integers import FRACTION_BITS
from codec.networks.lossless import correction, likelihood
from codec.networks.lossless.correction import GAIN_BITS, LOG_ODDS, MEAN, SCALE, SLOPE_BITS
from codec.networks.lossless.shape import (
    CHANNELS,
    LOG2_SCALE_START,
    LOG_ODDS_START,
    PHASES,
)
from codec.picture.pixels import Pixels
from scripts.train.data import load_shrunk

SIDE_PX = 256
SHRUNK = 0.6
PENALTY = 0.002
MOST_PIXELS = 60_000
"""Of one step; of more some are taken."""
Case = tuple[int, int, int]
"""Pass, channel and step."""
Sample = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""Of n pixels: what scale gains multiply [3 n], what mean gains do [3 n], and error, logarithm of
the scale and of the odds [3 n]."""


def samples(pixels: Pixels, model: LosslessModel) -> Iterator[tuple[Case, Sample]]:
    """What the gains have to do with, of all pixels of a picture."""
    found = fit.fit_heads(pixels, model, thorough=False)
    refine = chosen().refine(model, found.heads if found else heads_of(model))
    colours, sizes = from_rgb(pixels), grids_of(*pixels.shape[:2])
    known, traces = colours[:1, :1], np.zeros((1, 1, CHANNELS, 2), np.int16)
    for number in reversed(range(len(sizes) - 1)):
        stage = correction.Correction(traces, sizes[number], model.arrays["loudness.table"])
        finer = colours[:: 2**number, :: 2**number]
        gathered: list[tuple[Case, Sample]] = []

        def settle(
            index: int,
            channel: int,
            said: correction.Predictions,
            stage: correction.Correction = stage,
            finer: NDArray[np.int16] = finer,
            gathered: list[tuple[Case, Sample]] = gathered,
        ) -> NDArray[np.int32]:
            row, column = PHASES[index]
            wanted = finer[row::2, column::2, channel].astype(np.int32)
            steps = correction.ChannelSteps(stage, index, channel, said)
            inside = said[: wanted.shape[0], : wanted.shape[1]].astype(np.float64)
            for step, place in enumerate(steps.places):
                evidence = steps.evidence(step)
                sample = _sample(evidence, steps.width[place], wanted[place], inside[place])
                gathered.append(((index, channel, step), sample))
                steps.learn(step, wanted[place])
            return wanted

        known = refine(known, number, sizes[number], CHANNELS, settle)
        traces = stage.traces[: sizes[number][0], : sizes[number][1]]
        yield from gathered


def _sample(
    found: correction.Evidence,
    width: NDArray[np.int64],
    wanted: NDArray[np.int32],
    said: NDArray[np.float64],
) -> Sample:
    unit = 2.0**-FRACTION_BITS
    louder = np.stack([np.ones(len(width)), unit * found.near, unit * found.seen])
    pixels = width * 2.0 ** -(SLOPE_BITS + 11 + 5)
    moved = np.stack([found.across * pixels, found.move * pixels, found.drift * pixels])
    error = wanted - said[:, MEAN] / 32
    scale, odds = (
        LOG2_SCALE_START + unit * said[:, SCALE],
        LOG_ODDS_START + unit * said[:, LOG_ODDS],
    )
    return louder, moved, np.stack([error, scale, odds])


def fitted(parts: list[Sample], log2_width: Tensor) -> list[int]:
    """The gains of one step, in the order of `Gains`."""
    columns = [np.concatenate(column, 1) for column in zip(*parts, strict=True)]
    stride = max(1, columns[0].shape[1] // MOST_PIXELS)
    louder, moved, said = (torch.from_numpy(column[:, ::stride]).float() for column in columns)
    error, scale, odds = said
    gains = torch.zeros(6, requires_grad=True)
    search = torch.optim.LBFGS([gains], max_iter=12, line_search_fn="strong_wolfe")

    def closure() -> float:
        search.zero_grad()
        shifted = error - gains[3:] @ moved
        bits = likelihood.bits(shifted, scale + gains[:3] @ louder, odds, log2_width)
        loss = bits.mean() + PENALTY * gains.square().sum()
        loss.backward()
        return float(loss.detach())

    search.step(closure)
    units = torch.tensor([2.0**FRACTION_BITS] + [2.0**GAIN_BITS] * 5)
    return torch.round(gains.detach() * units).int().tolist()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take each N-th")
    args = parser.parse_args()
    model = as_kind(released.load_default(LOSSLESS), LosslessModel)
    pictures = load_shrunk(args.data, [SHRUNK], SIDE_PX)[:: args.every]
    gathered: dict[Case, list[Sample]] = defaultdict(list)
    for picture in pictures:
        pixels = picture[:, :SIDE_PX, :SIDE_PX].permute(1, 2, 0).contiguous().numpy()
        for case, sample in samples(pixels, model):
            gathered[case].append(sample)
    for case in sorted(gathered):
        print(*case, fitted(gathered[case], torch.tensor(float(model.arrays["log2_width"]))))


if __name__ == "__main__":
    main()
