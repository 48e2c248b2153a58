"""What all stages of an encode need to know, and what they hand on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from codec.deadline import NEVER, Deadline
from codec.effort import Effort
from codec.picture import Pixels
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
    deadline: Deadline = NEVER
    """When searches must be over, and what follows them too."""
    trace: list[tuple[str, float | Tensor]] = field(default_factory=list)
    """Grows with every step of a search by its stage and cost, see `TracePoint`.  Costs stay on
    their device, so that no step waits for it."""

    def on_step(self, stage: str, done: float, cost: float | Tensor) -> None:
        """Takes note of a step of a search: the fraction done before it, and what it found."""
        self.progress(stage, done)
        self.trace.append((stage, cost))

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
        seconds: what decoding it takes, about.
    """

    payload: bytes
    unfiltered: Tensor
    weight: float
    seconds: float = 0.0


@dataclass(frozen=True)
class Adapted:
    """An UPDATE payload (empty for none), and the pictures with it and with the base filter."""

    payload: bytes
    pixels: Pixels
    base: Pixels
