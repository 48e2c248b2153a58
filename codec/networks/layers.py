"""Float building blocks that have an exact integer twin.

Every network on the decode path is made of the two modules of this file, because both survive the
change to integers (`codec.networks.fixed_point`) without an approximation of their structure: a
convolution whose activation is a leaky ReLU with slope 1/8 (a shift), and a residual sum.  No
normalisation, no sigmoid, no division.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

NEGATIVE_SLOPE = 0.125
ACTIVATION_LIMIT = 16.0
"""Hidden activations are clamped to +-16, the range of their fixed-point format Q4.8."""

Conditioning = Tensor | int
"""A quality: float [b 1 1 1] in [-1, 1], and -100..100 for the integer twins."""
Member = TypeVar("Member", bound=nn.Module)


class Modules(nn.ModuleList, Generic[Member]):
    """A list of modules of one class, which type checkers know."""

    if TYPE_CHECKING:

        def __iter__(self) -> Iterator[Member]: ...

        def __getitem__(self, index: int) -> Member: ...  # type: ignore[override]


class Conv(nn.Module):
    """Convolution, then optionally leaky ReLU, then the clamp of the fixed-point format.

    Input and output: float [b c h w].  Odd kernels with stride 1 keep the size (zero padding);
    `pad=False` leaves the border to the caller, `stride` samples it.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: int = 1,
        *,
        stride: int = 1,
        activate: bool = False,
        pad: bool = True,
        zero: bool = False,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.padding = kernel // 2 if pad else 0
        self.activate = activate
        self.weight = nn.Parameter(torch.empty(channels_out, channels_in, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(channels_out))
        if zero:
            nn.init.zeros_(self.weight)
        else:
            nn.init.kaiming_normal_(self.weight, a=NEGATIVE_SLOPE)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.conv2d(x, self.weight, self.bias, self.stride, self.padding)
        if self.activate:
            x = functional.leaky_relu(x, NEGATIVE_SLOPE)
        return functional.hardtanh(x, -ACTIVATION_LIMIT, ACTIVATION_LIMIT)


class Residual(nn.Module):
    """x + conv(conv(x)) with 3x3 kernels: [b c h w] -> [b c h w].

    The second convolution starts small, so that a stack of blocks starts near the identity.
    """

    def __init__(self, channels: int, hidden: int | None = None) -> None:
        super().__init__()
        hidden = hidden or channels
        self.expand = Conv(channels, hidden, 3, activate=True)
        self.reduce = Conv(hidden, channels, 3)
        with torch.no_grad():
            self.reduce.weight.mul_(0.1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.reduce(self.expand(x))


class QualityBias(nn.Module):
    """Adds quality * v, one learned vector v: the whole conditioning on the quality.

    `quality`: float [b 1 1 1] in [-1, 1].
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.vector = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, quality: Tensor) -> Tensor:
        return x + quality * self.vector.view(1, -1, 1, 1)
