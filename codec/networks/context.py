"""The entropy model of the latents, and the one scan that encoder, decoder and training share.

There is no hyperprior and no side information.  The latent channels are ordered by variance (they
start as principal components), so a few leading channels play its role: channels are coded in
groups, coarse to fine, each group in the two phases of a checkerboard, and each phase in slices of
channels.  Every step sees all lower groups at all positions, its own group at the positions coded
before, and at its own positions the slices before it.  What it is told of each latent is the mean,
the scale, the quantiser step, and how heavy the tails of its distribution are.

    lower groups -> embed 1x1 -> mix 3x3 ------+
    own group, coded phase -> embed 1x1 -> 3x3 +-> + -> 1x1 -> 1x1 -> mean, scale, step, shape
    own phase, coded slices -> 1x1 -> 1x1 -----+

Checkerboard: He et al., "Checkerboard context model" (CVPR 2021).  Channels one after the other:
Minnen & Singh, "Channel-wise autoregressive entropy models" (ICIP 2020); He et al., "ELIC" (CVPR
2022) join both.

`ContextModel.scan` runs on float networks (training, search) and on their exact integer twins
(`codec.networks.fixed_point`, `codec.networks.fixed_context`) alike; what a step does with its
prediction is the `code` callback.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from codec.contract.quality import Level
from codec.networks.layers import ACTIVATION_LIMIT, Conv, Modules, QualityBias
from codec.networks.likelihood import LOGISTIC_DEVIATION, SHAPES, round_through
from codec.networks.order import PAIRS, Phase, Slot

STEPS_PER_OCTAVE = 8
STEP_LIMIT = 8
"""A latent's step is that of the quality times 2^(k / STEPS_PER_OCTAVE), k up to +-STEP_LIMIT."""
OUTPUTS = 4
"""Of the networks for each latent: mean, log2 of the scale, log2 of the step, shape."""


@dataclass(frozen=True)
class Predicted:
    """What the networks say of the latents of a slot: [p*b channels h/2 w/2] each.

    Attributes:
        mean: in pixel values.
        step: quantiser step in pixel values.
        log2_scale: of the logistic, in steps.
        shape: see `codec.networks.likelihood`.
    """

    mean: Tensor
    step: Tensor
    log2_scale: Tensor
    shape: Tensor


Code = Callable[[Slot, Any], Tensor]
"""(slot, what is predicted) -> values, each [p*b channels h/2 w/2]: phases stacked along batch."""


class LatentFeatures(nn.Module):
    """Latent values -> what networks see: value / deviation and log2(1 + |value| / step)."""

    deviation: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("deviation", torch.ones(channels))

    def normalized(self, values: Tensor, start: int, stop: int) -> Tensor:
        scaled = values / self.deviation[start:stop].view(1, -1, 1, 1)
        return scaled.clamp(-ACTIVATION_LIMIT, ACTIVATION_LIMIT)

    def forward(self, values: Tensor, start: int, stop: int, level: Any) -> Tensor:
        magnitude = torch.log2(1 + values.abs() / level.step)
        return torch.cat([self.normalized(values, start, stop), magnitude], 1)


class Prediction(nn.Module):
    """Raw network output [b 4c h w] -> `Predicted`.

    Output 0 means "mean 0, the channel's marginal scale, the step of the quality, the least tails".
    """

    deviation: Tensor

    def __init__(self, deviation: Tensor) -> None:
        super().__init__()
        self.register_buffer("deviation", deviation)

    def forward(self, raw: Tensor, start: int, stop: int, level: Any) -> Predicted:
        mean, log2_ratio, octaves, shape = raw.float().chunk(OUTPUTS, 1)
        deviation = self.deviation[start:stop].view(1, -1, 1, 1)
        eighths = (octaves * STEPS_PER_OCTAVE).clamp(-STEP_LIMIT, STEP_LIMIT)
        octaves = round_through(eighths) / STEPS_PER_OCTAVE
        marginal = torch.log2(deviation / (LOGISTIC_DEVIATION * level.step))
        return Predicted(
            mean * deviation,
            level.step * torch.exp2(octaves),
            log2_ratio + marginal - octaves,
            round_through(shape.clamp(-0.5, SHAPES - 0.5)).clamp(0, SHAPES - 1),
        )


class SliceContext(nn.Module):
    """The networks of some channels of a group, which see the `before` channels coded just now."""

    def __init__(self, before: int, channels: int, hidden: int) -> None:
        super().__init__()
        if before:
            self.embed = Conv(2 * before, hidden, activate=True)
            self.join = Conv(hidden, hidden, zero=True)
        self.leave = Conv(hidden, OUTPUTS * channels, zero=True)


class GroupContext(nn.Module):
    """The networks of one channel group.

    Args:
        below: channels of all lower groups.
        sizes: channels of the slices.
        hidden: channels of the networks.
    """

    def __init__(self, below: int, sizes: tuple[int, ...], hidden: int) -> None:
        super().__init__()
        self.bounds = list(accumulate(sizes, initial=below))
        if below:
            self.embed_below = Conv(2 * below, hidden, activate=True)
            self.mix_below = Conv(hidden, hidden, 3, activate=True)
        self.embed_own = Conv(2 * sum(sizes), hidden, activate=True)
        self.mix_own = Conv(hidden, hidden, 3, stride=2, pad=False, activate=True)
        self.quality = QualityBias(hidden)
        self.fuse = Conv(hidden, hidden, activate=True)
        self.slices: Modules[SliceContext] = Modules(
            SliceContext(start - below, size, hidden)
            for start, size in zip(self.bounds, sizes, strict=False)
        )

    def nothing(self, like: Tensor) -> Tensor:
        """What `own_at` gives when nothing of the group is coded: [1 hidden 1 1]."""
        return self.mix_own(like.new_zeros(1, self.mix_own.weight.shape[1], 3, 3))

    def own_at(self, own: Tensor, phase: Phase) -> Tensor:
        """3x3 context of one phase: [b hidden h w] -> [b hidden h/2 w/2]."""
        padded = functional.pad(own, (1, 1, 1, 1))
        return self.mix_own(padded[:, :, phase[0] :, phase[1] :])


class ContextModel(nn.Module):
    """Predicts the distribution of every latent from the latents coded before it.

    Args:
        slices: channels of the slices of each group.
        hidden: channels of the networks.
    """

    def __init__(self, slices: tuple[tuple[int, ...], ...], hidden: int) -> None:
        super().__init__()
        bounds = list(accumulate(map(sum, slices), initial=0))
        self.channels = bounds[-1]
        self.features = LatentFeatures(self.channels)
        self.prediction = Prediction(self.features.deviation)
        self.groups: Modules[GroupContext] = Modules(
            GroupContext(below, sizes, hidden) for below, sizes in zip(bounds, slices, strict=False)
        )

    def scan(self, like: Tensor, level: Any, code: Code) -> Tensor:
        """Walks all slots in coding order; returns the latent values that `code` gave.

        Args:
            like: any tensor of the latents' shape [b c h w] (h, w even), dtype and layout.
            level: quality level, float or integer like the networks.
            code: called once per slot.
        """
        done: list[Tensor] = []
        for group in self.groups:
            below = self._below(group, torch.cat(done, 1), level) if done else None
            done.append(self._group(group, below, like, level, code))
        return torch.cat(done, 1)

    def _below(self, group: GroupContext, values: Tensor, level: Any) -> Tensor:
        seen = self.features(values, 0, values.shape[1], level)
        return group.mix_below(group.embed_below(seen))

    def _group(
        self, group: GroupContext, below: Tensor | None, like: Tensor, level: Any, code: Code
    ) -> Tensor:
        """All channels of a group: [b channels h w]."""
        batch, _, height, width = like.shape
        known: dict[Phase, Tensor] = {}
        own: Tensor | None = None
        for phases in PAIRS:
            parts = []
            for phase in phases:
                hidden = group.nothing(like) if own is None else group.own_at(own, phase)
                if below is not None:
                    hidden = hidden + below[:, :, phase[0] :: 2, phase[1] :: 2]
                hidden = group.quality(hidden, level.quality)
                parts.append(hidden.expand(batch, -1, height // 2, width // 2))
            values, seen = self._phase(group, torch.cat(parts), phases, level, code)
            known |= zip(phases, values.split(batch), strict=True)
            if len(known) < 4:
                embedded = group.embed_own(seen)
                own = (
                    embedded.new_zeros(batch, embedded.shape[1], height, width)
                    if own is None
                    else own.clone()
                )
                for (row, column), part in zip(phases, embedded.split(batch), strict=True):
                    own[:, :, row::2, column::2] = part
        return interleaved(known)

    def _phase(
        self, group: GroupContext, hidden: Tensor, phases: Any, level: Any, code: Code
    ) -> tuple[Tensor, Tensor]:
        """All slices of a phase: values [p*b channels h/2 w/2] and the features made of them."""
        level = repeated(level, len(phases))
        values: list[Tensor] = []
        seen: list[tuple[Tensor, Tensor]] = []
        for part, start, stop in zip(group.slices, group.bounds, group.bounds[1:], strict=False):
            told = hidden
            if seen:
                told = told + part.join(part.embed(_joined(seen)))
            raw = part.leave(group.fuse(told))
            predicted = self.prediction(raw, start, stop, level)
            values.append(code(Slot(start, stop, phases), predicted))
            ratio, magnitude = self.features(values[-1], start, stop, level).chunk(2, 1)
            seen.append((ratio, magnitude))
        return torch.cat(values, 1), _joined(seen)


def _joined(features: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Features of neighbouring channels as those of all: values first, then magnitudes."""
    return torch.cat([half for halves in zip(*features, strict=True) for half in halves], 1)


def repeated(level: Any, count: int) -> Any:
    """The level of each image, for so many phases stacked along the batch."""
    if not isinstance(level, Level):
        return level
    return Level(level.quality.repeat(count, 1, 1, 1), level.step.repeat(count, 1, 1, 1))


def interleaved(phases: Mapping[Phase, Tensor]) -> Tensor:
    """All four phases [b c h/2 w/2] -> [b c h w]."""
    stacked = torch.stack([phases[place] for place in sorted(phases)], 2)
    return functional.pixel_shuffle(stacked.flatten(1, 2), 2)


def at_phases(tensor: Tensor, slot: Slot) -> Tensor:
    """Picks a slot from a full tensor: [b c h w] -> [p*b channels h/2 w/2], as `Code` expects."""
    part = tensor[:, slot.start : slot.stop]
    return torch.cat([part[:, :, di::2, dj::2] for di, dj in slot.phases])
