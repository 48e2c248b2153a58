"""The entropy model of the latents, and the one scan that encoder, decoder and training share.

There is no hyperprior and no side information.  The latent channels are ordered by variance (they
start as principal components), so a few leading channels play its role: channels are coded in
groups, coarse to fine, and each group in two or four interleaved position phases.  Every step sees
all lower groups at all positions and its own group at the positions coded before: the 2x2 scheme of
He et al., "Checkerboard context model" (CVPR 2021), with the channel groups of Minnen & Singh,
"Channel-wise autoregressive entropy models" (ICIP 2020).

    lower groups -> embed 1x1 -> mix 3x3 ----------+
    own group, coded phases -> embed 1x1 -> 3x3 ---+-> 1x1 -> 1x1 -> mean, log2 scale

`ContextModel.scan` runs on float networks (training, search) and on their exact integer twins
(`codec.networks.fixed_point`) alike; what a step does with its prediction is the `code` callback.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from codec.networks.layers import ACTIVATION_LIMIT, Conv, QualityBias
from codec.networks.likelihood import LOGISTIC_DEVIATION
from codec.networks.order import Slot, phases_of

Code = Callable[[Slot, Tensor, Any], Tensor]
"""(slot, mean, scale) -> values, each [p*b channels h/2 w/2]: phases stacked along the batch."""


class LatentFeatures(nn.Module):
    """Latent values -> what networks see: value / deviation and log2(1 + |value| / step)."""

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
    """Raw network output [b 2c h w] -> mean (pixel units) and log2 of the scale in steps.

    Output 0 means "mean 0, the channel's marginal scale": an untrained network codes at the
    marginal rate.
    """

    def __init__(self, deviation: Tensor) -> None:
        super().__init__()
        self.register_buffer("deviation", deviation)

    def forward(self, raw: Tensor, start: int, stop: int, level: Any) -> tuple[Tensor, Tensor]:
        mean, log2_ratio = raw.float().chunk(2, 1)
        deviation = self.deviation[start:stop].view(1, -1, 1, 1)
        marginal = torch.log2(deviation / (LOGISTIC_DEVIATION * level.step))
        repeats = mean.shape[0] // marginal.shape[0]
        return mean * deviation, log2_ratio + marginal.repeat(repeats, 1, 1, 1)


class GroupContext(nn.Module):
    """The networks of one channel group."""

    def __init__(self, below: int, channels: int, hidden: int) -> None:
        super().__init__()
        if below:
            self.embed_below = Conv(2 * below, hidden, 1, activate=True)
            self.mix_below = Conv(hidden, hidden, 3, activate=True)
        self.embed_own = Conv(2 * channels, hidden, 1, activate=True)
        self.mix_own = Conv(hidden, hidden, 3, stride=2, pad=False, activate=True)
        self.quality = QualityBias(hidden)
        self.fuse = Conv(hidden, hidden, 1, activate=True)
        self.leave = Conv(hidden, 2 * channels, 1, zero=True)

    def own_at(self, own: Tensor, phase: tuple[int, int]) -> Tensor:
        """3x3 context of one phase: [b hidden h w] -> [b hidden h/2 w/2]."""
        padded = functional.pad(own, (1, 1, 1, 1))
        return self.mix_own(padded[:, :, phase[0] :, phase[1] :])


class ContextModel(nn.Module):
    """Predicts mean and scale of every latent from the latents coded before it."""

    def __init__(self, groups: tuple[int, ...], hidden: int) -> None:
        super().__init__()
        self.bounds = [0]
        for size in groups:
            self.bounds.append(self.bounds[-1] + size)
        self.hidden = hidden
        self.features = LatentFeatures(self.bounds[-1])
        self.prediction = Prediction(self.features.deviation)
        self.groups = nn.ModuleList(
            GroupContext(below, size, hidden)
            for below, size in zip(self.bounds, groups, strict=False)
        )

    def scan(self, like: Tensor, level: Any, code: Code) -> Tensor:
        """Walks all slots in coding order; returns the latent values that `code` gave.

        Args:
            like: any tensor of the latents' shape [b c h w] (h, w even), dtype and layout.
            level: quality level, float or integer like the networks.
            code: called once per slot.
        """
        batch, _, height, width = like.shape
        done: list[Tensor] = []
        for index, group in enumerate(self.groups):
            start, stop = self.bounds[index], self.bounds[index + 1]
            below = self._below(group, torch.cat(done, 1), level) if done else None
            own = like.new_zeros(batch, self.hidden, height, width, dtype=torch.float32)
            known: dict[tuple[int, int], Tensor] = {}
            for phases in phases_of(index):
                slot = Slot(start, stop, phases)
                hidden = torch.cat([self._join(group, own, below, p, level) for p in phases])
                raw = group.leave(group.fuse(hidden))
                mean, scale = self.prediction(raw, start, stop, level)
                got = code(slot, mean, scale)
                own = own.clone()
                for phase, part in zip(phases, got.split(batch), strict=True):
                    seen = self.features(part, start, stop, level)
                    known[phase] = part
                    own[:, :, phase[0] :: 2, phase[1] :: 2] = group.embed_own(seen).to(own.dtype)
            done.append(interleaved(known))
        return torch.cat(done, 1)

    def _below(self, group: GroupContext, values: Tensor, level: Any) -> Tensor:
        seen = self.features(values, 0, values.shape[1], level)
        return group.mix_below(group.embed_below(seen))

    def _join(
        self,
        group: GroupContext,
        own: Tensor,
        below: Tensor | None,
        phase: tuple[int, int],
        level: Any,
    ) -> Tensor:
        hidden = group.own_at(own, phase)
        if below is not None:
            hidden = hidden + below[:, :, phase[0] :: 2, phase[1] :: 2]
        return group.quality(hidden, level.quality)


def interleaved(phases: Mapping[tuple[int, int], Tensor]) -> Tensor:
    """All four phases [b c h/2 w/2] -> [b c h w]."""
    stacked = torch.stack([phases[place] for place in sorted(phases)], 2)
    return functional.pixel_shuffle(stacked.flatten(1, 2), 2)


def at_phases(tensor: Tensor, slot: Slot) -> Tensor:
    """Picks a slot from a full tensor: [b c h w] -> [p*b channels h/2 w/2], as `Code` expects."""
    part = tensor[:, slot.start : slot.stop]
    return torch.cat([part[:, :, di::2, dj::2] for di, dj in slot.phases])
