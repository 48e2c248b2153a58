"""By how much what is decoded corrects the predictions of one picture, with some last layers.

An update changes the errors that corrections follow from.  Around some weights they hardly move, so
the fit of an update takes them as they are there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codec.decoding.engines.choice import chosen
from codec.decoding.engines.protocol import Refine
from codec.decoding.lossless.coder import from_rgb, grids_of
from codec.models.kinds import LosslessModel
from codec.networks.integers import FRACTION_BITS, HeadLayers
from codec.networks.lossless.correction import MEAN, Correction, Predictions, Traces, places_of
from codec.networks.lossless.shape import CHANNELS, PHASES, VALUE_BITS
from codec.picture.pixels import Pixels

UNITS = 2.0 ** -np.array([VALUE_BITS, FRACTION_BITS, FRACTION_BITS])


@dataclass(frozen=True, eq=False)
class KnownChannel:
    """One channel of a pass over a picture that is known.

    Attributes:
        stage: the corrections on its grid; it is to learn the pixels, step by step.
        number: of the grid, 0 for the picture itself.
        index: of the pass.
        channel: the channel.
        predictions: what the networks say.
        pixels: of the phase, int32 [rows columns].
    """

    stage: Correction
    number: int
    index: int
    channel: int
    predictions: Predictions
    pixels: NDArray[np.int32]


def scan_known(
    pixels: Pixels,
    refine: Refine,
    correct: Callable[[Traces, tuple[int, int]], Correction],
    tell: Callable[[KnownChannel], None],
) -> None:
    """Runs the networks over a picture that is known, from the coarsest grid on.

    Args:
        pixels: uint8 [h w 3].
        refine: the networks.
        correct: makes the stage of each grid, see `Refine.correct`.
        tell: is given every channel of every pass, in coding order.
    """
    colours, sizes = from_rgb(pixels), grids_of(*pixels.shape[:2])
    channels = CHANNELS if colours[..., 1:].any() else 1
    traces = np.zeros((1, 1, CHANNELS, 2), np.int16)
    for number in reversed(range(len(sizes) - 1)):
        size, stage = sizes[number], correct(traces, sizes[number])
        finer = colours[:: 2**number, :: 2**number]

        def settle(
            index: int,
            channel: int,
            said: Predictions,
            stage: Correction = stage,
            number: int = number,
            finer: NDArray[np.int16] = finer,
        ) -> NDArray[np.int32]:
            row, column = PHASES[index]
            wanted = finer[row::2, column::2, channel].astype(np.int32)
            tell(KnownChannel(stage, number, index, channel, said, wanted))
            return wanted

        refine(np.ascontiguousarray(finer[::2, ::2]), number, size, channels, settle)
        traces = stage.traces[: size[0], : size[1]]


def corrections(pixels: Pixels, model: LosslessModel, heads: HeadLayers) -> list[Tensor]:
    """Changes of the mean in pixel values, and of the logarithms of scale and odds.

    Args:
        pixels: uint8 [h w 3].
        model: all but its last layers is used.
        heads: the last layers.

    Returns:
        Those of each head, in the order of `quadratic.collect`: float32 [n 3].
    """
    refine = chosen().refine(model, heads)
    found: list[list[NDArray[np.float64]]] = [[] for _ in range(len(PHASES) * CHANNELS)]

    def tell(known: KnownChannel) -> None:
        rows, columns = known.pixels.shape
        inside = known.predictions[:rows, :columns, MEAN:]
        changes = np.zeros(inside.shape)
        steps = known.stage.channel(known.index, known.channel, known.predictions)
        for step, place in enumerate(places_of(rows, columns)):
            changes[place] = steps.expect(step).said - inside[place]
            steps.learn(step, known.pixels[place])
        found[known.index * CHANNELS + known.channel].append(changes.reshape(-1, 3) * UNITS)

    scan_known(pixels, refine, refine.correct, tell)
    # The finest grid comes first.
    return [
        torch.from_numpy(np.concatenate(parts[::-1] or [np.zeros((0, 3))])).float()
        for parts in found
    ]
