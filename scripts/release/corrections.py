"""Fits the networks that correct lossless predictions, and gives them to the released model.

    python -m scripts release.corrections --data DIR --every 5

Takes each N-th of the training pictures, shrunk, with the update that its file would have.  The
network of each pass, channel and step is fitted to the bits of its pixels (Adam, some hundred
steps of ten seconds in all), then rounded to integers.
"""

from __future__ import annotations

import argparse
import math
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from codec.contract.contents import LOSSLESS
from codec.decoding.engines.choice import chosen
from codec.decoding.lossless.update import heads_of
from codec.encoding.lossless import fit
from codec.encoding.lossless.corrections import KnownChannel, scan_known
from codec.models import released
from codec.models.kinds import LosslessModel, as_kind
from codec.networks.integers import FRACTION_BITS, Arrays
from codec.networks.lossless import likelihood
from codec.networks.lossless.correction import (
    LOG_ODDS,
    MEAN,
    SCALE,
    ChannelSteps,
    Correction,
    Traces,
)
from codec.networks.lossless.corrector import (
    HIDDEN,
    LEAK_SHIFT,
    LIMIT,
    OUTPUTS,
    SUM_LIMIT,
    Case,
    Corrector,
    cases,
    input_count,
)
from codec.networks.lossless.shape import (
    CLASSES,
    LOG2_SCALE_START,
    LOG_ODDS_START,
    VALUE_BITS,
)
from codec.picture.pixels import Pixels
from scripts.release.cards import replace_model
from scripts.train.data import load_shrunk

SIDE_PX = 256
SHRUNK = 0.6
ITERATIONS, BATCH = 900, 4096
LEARNING_RATE, WARM_UP = 8e-3, 20
UNIT = 2.0**-FRACTION_BITS
MOST_BITS = 12
"""Fractional bits of weights."""
SPREAD_FLOOR = 0.02
"""Added to the standard deviations of inputs: some never change."""
Sample = tuple[NDArray[np.int16], NDArray[np.float32]]
"""Inputs [n k], and error, width, logarithms of scale and odds before the correction [n 4]."""


def blank() -> dict[str, NDArray[np.integer]]:
    """The tensors of networks that change nothing."""
    arrays: dict[str, NDArray[np.integer]] = {}
    for case in cases():
        count = input_count(case)
        for part, shape in (("enter", (HIDDEN, count)), ("leave", (OUTPUTS, HIDDEN + count))):
            name = f"{Corrector.name(case)}.{part}"
            arrays |= _arrays(name, np.zeros(shape), np.zeros(shape[0]))
    return arrays


def _arrays(
    name: str, weight: NDArray[np.floating], bias: NDArray[np.floating]
) -> dict[str, NDArray[np.integer]]:
    """The tensors of a layer, as fine as 16 bits, and sums of 32, allow."""
    size = np.abs(weight)
    sums = float(size.sum(1).max() * LIMIT + np.abs(bias).max() / UNIT) + 2
    room = min(SUM_LIMIT / sums, np.iinfo(np.int16).max / max(float(size.max()), UNIT))
    shift = min(MOST_BITS, math.floor(math.log2(room)))
    return {
        f"{name}.weight": np.round(weight * 2.0**shift).astype(np.int16)[..., None, None],
        f"{name}.bias": np.round(bias * 2.0**shift / UNIT).astype(np.int32),
        f"{name}.format": np.array([shift, LIMIT]),
    }


def samples(pixels: Pixels, model: LosslessModel) -> list[tuple[Case, Sample]]:
    """What the networks have to do with, of all pixels of a picture but those of the coarsest."""
    fitted_to = fit.fit_heads(pixels, model, thorough=False)
    refine = chosen().refine(model, fitted_to.heads if fitted_to else heads_of(model))
    found: list[tuple[Case, Sample]] = []

    def correct(coarser: Traces, size: tuple[int, int]) -> Correction:
        return Correction(coarser, size, model.arrays["loudness.table"], model.correctors)

    def tell(known: KnownChannel) -> None:
        rows, columns = known.pixels.shape
        inside = known.predictions[:rows, :columns].astype(np.float32)
        steps = ChannelSteps(known.stage, known.index, known.channel, known.predictions)
        for step, place in enumerate(steps.places):
            told = steps.inputs(step).astype(np.int16)
            target = _target(known.pixels[place], steps.width[place], inside[place])
            if known.number < CLASSES - 1:
                found.append(((known.index, known.channel, step), (told, target)))
            steps.learn(step, known.pixels[place])

    scan_known(pixels, refine, correct, tell)
    return found


def _target(
    wanted: NDArray[np.int32], width: NDArray[np.int64], said: NDArray[np.float32]
) -> NDArray[np.float32]:
    error = wanted - said[:, MEAN] / 2**VALUE_BITS
    scale = LOG2_SCALE_START + UNIT * said[:, SCALE]
    odds = LOG_ODDS_START + UNIT * said[:, LOG_ODDS]
    return np.stack([error, width / 1024, scale, odds], 1).astype(np.float32)


class FloatCorrector(nn.Module):
    """A network of `corrector`, before it is rounded; its inputs are standardised here."""

    def __init__(self, told: Tensor) -> None:
        super().__init__()
        some = told.float() * UNIT
        self.middle, self.spread = some.mean(0), some.std(0) + SPREAD_FLOOR
        count = told.shape[1]
        self.enter = nn.Linear(count, HIDDEN)
        self.leave = nn.Linear(HIDDEN + count, OUTPUTS)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, told: Tensor) -> Tensor:
        """Inputs as integers [n k] -> changes [n 3]."""
        x = (told.float() * UNIT - self.middle) / self.spread
        hidden = functional.leaky_relu(self.enter(x), 2.0**-LEAK_SHIFT)
        changes: Tensor = self.leave(torch.cat([hidden, x], 1))
        return changes

    @torch.no_grad()
    def arrays(self, name: str) -> dict[str, NDArray[np.integer]]:
        """The tensors of the integer network, whose inputs are not standardised."""
        enter, leave = self.enter.weight / self.spread, self.leave.weight.clone()
        leave[:, HIDDEN:] /= self.spread
        biases = (
            self.enter.bias - enter @ self.middle,
            self.leave.bias - leave[:, HIDDEN:] @ self.middle,
        )
        return _arrays(f"{name}.enter", enter.numpy(), biases[0].numpy()) | _arrays(
            f"{name}.leave", leave.numpy(), biases[1].numpy()
        )


def bits(corrector: FloatCorrector, told: Tensor, target: Tensor, log2_width: Tensor) -> Tensor:
    """Those of each pixel: [n]."""
    moved, louder, odds = corrector(told).unbind(1)
    error, width, scale, log_odds = target.unbind(1)
    return likelihood.bits(error - moved * width, scale + louder, log_odds + odds, log2_width)


def fitted(parts: list[Sample], log2_width: Tensor) -> FloatCorrector:
    """The network of one case."""
    told, target = (torch.from_numpy(np.concatenate(column)) for column in zip(*parts, strict=True))
    corrector = FloatCorrector(told)
    search = torch.optim.Adam(corrector.parameters(), betas=(0.9, 0.98))
    for number in range(ITERATIONS):
        rate = min(1, (number + 1) / WARM_UP) * (1 - number / ITERATIONS)
        search.param_groups[0]["lr"] = LEARNING_RATE * rate
        some = torch.randint(len(told), (BATCH,))
        search.zero_grad()
        bits(corrector, told[some], target[some], log2_width).mean().backward()
        search.step()
    return corrector


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take each N-th")
    args = parser.parse_args()
    torch.manual_seed(0)
    model = as_kind(released.load_default(LOSSLESS), LosslessModel)
    plain = replace(model, arrays={**model.arrays, **blank()})
    pictures = load_shrunk(args.data, [SHRUNK], SIDE_PX)[:: args.every]
    gathered: dict[Case, list[Sample]] = defaultdict(list)
    for picture in pictures:
        pixels = picture[:, :SIDE_PX, :SIDE_PX].permute(1, 2, 0).contiguous().numpy()
        for case, sample in samples(pixels, plain):
            gathered[case].append(sample)
    log2_width = torch.tensor(float(model.arrays["log2_width"]))
    arrays: Arrays = model.arrays
    for case in cases():
        corrector = fitted(gathered.pop(case), log2_width)
        arrays = {**arrays, **corrector.arrays(Corrector.name(case))}
    replace_model(replace(model, arrays=arrays))


if __name__ == "__main__":
    main()
