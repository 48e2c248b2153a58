"""By how much what is decoded corrects the predictions of one picture, with some last layers.

An update changes the errors that corrections follow from.  Around some weights they hardly move, so
the fit of an update takes them as they are there.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from codec.decoding.engines.choice import chosen
from codec.decoding.lossless.coder import from_rgb, grids_of
from codec.models.kinds import LosslessModel
from codec.networks.integers import FRACTION_BITS, HeadLayers
from codec.networks.lossless.correction import MEAN, Correction, Predictions, places_of
from codec.networks.lossless.shape import CHANNELS, PHASES, VALUE_BITS
from codec.picture.pixels import Pixels

UNITS = 2.0 ** -np.array([VALUE_BITS, FRACTION_BITS, FRACTION_BITS])


def corrections(pixels: Pixels, model: LosslessModel, heads: HeadLayers) -> list[Tensor]:
    """Changes of the mean in pixel values, and of the logarithms of scale and odds.

    Args:
        pixels: uint8 [h w 3].
        model: all but its last layers is used.
        heads: the last layers.

    Returns:
        Those of each head, in the order of `quadratic.collect`: float32 [n 3].
    """
    refine, colours = chosen().refine(model, heads), from_rgb(pixels)
    channels = CHANNELS if colours[..., 1:].any() else 1
    sizes = grids_of(*pixels.shape[:2])
    traces = np.zeros((1, 1, CHANNELS, 2), np.int16)
    found: list[list[NDArray[np.float64]]] = [[] for _ in range(len(PHASES) * CHANNELS)]
    for number in reversed(range(len(sizes) - 1)):
        size, stage = sizes[number], refine.correct(traces, sizes[number])
        finer = colours[:: 2**number, :: 2**number]

        def settle(
            index: int,
            channel: int,
            said: Predictions,
            stage: Correction = stage,
            finer: NDArray[np.int16] = finer,
        ) -> NDArray[np.int32]:
            row, column = PHASES[index]
            wanted = finer[row::2, column::2, channel].astype(np.int32)
            inside = said[: wanted.shape[0], : wanted.shape[1], MEAN:]
            changes = np.zeros(inside.shape)
            steps = stage.channel(index, channel, said)
            for step, place in enumerate(places_of(*wanted.shape)):
                changes[place] = steps.expect(step).said - inside[place]
                steps.learn(step, wanted[place])
            found[index * CHANNELS + channel].append(changes.reshape(-1, 3) * UNITS)
            return wanted

        refine(np.ascontiguousarray(finer[::2, ::2]), number, size, channels, settle)
        traces = stage.traces[: size[0], : size[1]]
    # The finest grid comes first.
    return [
        torch.from_numpy(np.concatenate(parts[::-1] or [np.zeros((0, 3))])).float()
        for parts in found
    ]
