"""What all stages of an encode need to know, and what they hand on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from bitstream import Tag, chunk_bytes
from codec.contract.effort import Effort
from codec.contract.report import OnProgress
from codec.contract.techniques import Technique
from codec.encoding.deadline import NEVER, Deadline
from codec.encoding.distortion import EVEN, Distortion
from codec.models.kinds import FilteredModel
from codec.networks.postfilter import PostFilter
from codec.picture.pixels import Pixels


@dataclass(frozen=True)
class EncodeTask:
    """One picture to be encoded."""

    pixels: Pixels
    original: Tensor
    """float [1 3 h w], pixel values - 128."""
    half: int
    """Quality in halves."""
    model: FilteredModel
    effort: Effort
    device: torch.device
    """Where searches run; whatever decodes runs on the CPU."""
    progress: OnProgress
    technique: Technique | None = None
    """How the post-filter is adapted; None for not at all."""
    deadline: Deadline = NEVER
    """When searches must be over, and what follows them too."""
    content: str = "learned"
    """What is asked for below the filter, see `EncodeOptions.content`."""
    alpha: Pixels | None = None
    """uint8 [h w], which the file holds besides; None if all is opaque."""
    extras: Mapping[Tag, bytes] = field(default_factory=dict)
    """Chunks that the file holds besides, whatever the searches find."""
    distortion: Distortion = EVEN
    """What the searches weigh against bits."""
    trace: list[tuple[str, float | Tensor]] = field(default_factory=list)
    """Grows with every step of a search by its stage and cost, see `TracePoint`.  Costs stay on
    their device, so that no step waits for it."""

    def on_step(
        self, stage: str, done: float, cost: float | Tensor, part: int = 0, parts: int = 1
    ) -> None:
        """Takes note of a step of a search: the fraction done before it, and what it found.

        A search of one part of the picture after the other has no cost of the whole.
        """
        self.progress(stage, (part + done) / parts)
        if parts == 1:
            self.trace.append((stage, cost))

    def error(self, pixels: Pixels) -> float:
        """What a decoded picture has of the distortion, in squared errors summed over positions."""
        return self.distortion.total(pixels, self.pixels)


@dataclass(frozen=True, eq=False)
class Content:
    """A coded content.

    Attributes:
        payload: of the CONTENT chunk.
        unfiltered: what it decodes to, before the post-filter: integers [1 3 H W].
        weight: lambda, in bits per `EncodeTask.error`: the slope of the codec's own
            rate-distortion curve at this point.
        latents: what was quantised, for a codec whose content can be refined.
        prior: of the PRIOR chunk, with which the content was coded; empty for none.
        seconds: what decoding it takes, about.
    """

    payload: bytes
    unfiltered: Tensor
    weight: float
    latents: Tensor | None = None
    prior: bytes = b""
    seconds: float = 0.0

    @property
    def bytes(self) -> int:
        """What the chunks take that depend on it, but for the framing of CONTENT."""
        return len(self.payload) + chunk_bytes(self.prior)


@dataclass(frozen=True, eq=False)
class Adapted:
    """A content with an update.

    Attributes:
        content: what the post-filter works on.
        payload: of the UPDATE chunk, empty for none.
        postfilter: the filter of this picture, in integers.
        pixels: the decoded picture, and `base` the one without the update.
        cost: all bits, and what the errors are worth in bits.
    """

    content: Content
    payload: bytes
    postfilter: PostFilter
    pixels: Pixels
    base: Pixels
    cost: float
