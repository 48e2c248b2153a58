"""What all stages of an encode need to know, and what they hand on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from codec.effort import Effort
from codec.picture import Pixels
from codec.techniques import Technique
from codec.weights import ReleasedModel

OnProgress = Callable[[str, float], None]


@dataclass(frozen=True)
class Job:
    """One picture to be encoded."""

    pixels: Pixels
    original: Tensor
    """float [1 3 h w], pixel values - 128."""
    half: int
    """Quality in halves."""
    model: ReleasedModel
    effort: Effort
    device: torch.device
    """Where searches run; whatever decodes runs on the CPU."""
    progress: OnProgress
    technique: Technique | None = None
    """How the post-filter is adapted; None for not at all."""

    def squared_error(self, pixels: Pixels) -> float:
        """Of a decoded picture: summed over positions, mean over channels."""
        return float(np.square(pixels.astype(np.float64) - self.pixels).sum() / 3)


@dataclass(frozen=True)
class Content:
    """A coded content.

    Attributes:
        payload: of the CONTENT chunk.
        unfiltered: what it decodes to, before the post-filter: integers [1 3 H W].
        weight: lambda, in bits per `Job.squared_error`: the slope of the codec's own
            rate-distortion curve at this point.
    """

    payload: bytes
    unfiltered: Tensor
    weight: float


@dataclass(frozen=True)
class Adapted:
    """An UPDATE payload (empty for none), and the pictures with it and with the base filter."""

    payload: bytes
    pixels: Pixels
    base: Pixels
