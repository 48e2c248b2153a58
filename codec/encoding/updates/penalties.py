"""What a search by gradient descent pays for a change: rate terms and their surrogates.

A penalty sees the *levels* of an update as real numbers, one tensor per tensor of the layout.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from codec.networks.likelihood import bits as logistic_bits
from codec.networks.likelihood import round_through

NONZERO_BITS = 7.0
"""What a level of +-1 costs in the update coder at the usual densities (position and sign) ..."""
OCTAVE_BITS = 1.5
"""... and what each doubling of the magnitude adds."""


class Penalty(ABC):
    """How levels are seen by the network, and what they cost."""

    def variables(self) -> list[Tensor]:
        """What is trained besides the levels."""
        return []

    def seen(self, levels: Sequence[Tensor]) -> list[Tensor]:
        """The levels that the network gets."""
        return list(levels)

    def octaves(self, group: int) -> float:
        """By how much a learned step of a group has grown."""
        return 0.0

    @abstractmethod
    def add_gradients(self, levels: Sequence[Tensor], progress: float) -> None:
        """Adds the gradient of the cost, in bits, to that of the distortion; progress in 0..1."""


class Rate(Penalty):
    """An estimate of what the adaptive coder spends."""

    def __init__(self, *, rounded: bool = False) -> None:
        self._rounded = rounded

    def seen(self, levels: Sequence[Tensor]) -> list[Tensor]:
        return [round_through(tensor) for tensor in levels] if self._rounded else list(levels)

    def add_gradients(self, levels: Sequence[Tensor], progress: float) -> None:
        sum(map(level_bits, levels), levels[0].new_zeros(())).backward()


def level_bits(levels: Tensor) -> Tensor:
    """Estimated cost of real-valued levels, summed: linear up to 1, logarithmic beyond."""
    magnitude = levels.abs()
    beyond = torch.log2(magnitude.clamp(min=1))
    return (NONZERO_BITS * magnitude.clamp(max=1) + OCTAVE_BITS * beyond).sum()


class Ratio(Penalty):
    """||d||_1 / ||d||_2 over the whole change: few large entries rather than many small ones.

    Lam et al., "Compressing weight-updates for image artifacts removal neural networks" (CVPR
    workshops 2019).  The ratio knows no scale: its gradient is enormous near zero and vanishes
    later.  So it sets in once the change has grown, and pulls with a share of the distortion's
    gradient that rises and then stays.
    """

    FREE, RISEN = 0.2, 0.8
    """Progress up to which there is no penalty, and from which it has its full share."""
    SHARE = 0.4
    MEMORY = 0.99

    def __init__(self) -> None:
        self._balance: float | None = None

    def add_gradients(self, levels: Sequence[Tensor], progress: float) -> None:
        joined = torch.cat([tensor.detach().flatten() for tensor in levels])
        l1, l2 = float(joined.abs().sum()), float(joined.norm())
        if progress < self.FREE or not l2:
            return
        gradients = [tensor.grad for tensor in levels if tensor.grad is not None]
        task = math.sqrt(sum(float(gradient.square().sum()) for gradient in gradients))
        pull = joined.sign() / l2 - l1 / l2**3 * joined
        balance = task / max(float(pull.norm()), 1e-12)
        if self._balance is not None:
            balance = self.MEMORY * self._balance + (1 - self.MEMORY) * balance
        self._balance = balance
        ramp = min(1.0, (progress - self.FREE) / (self.RISEN - self.FREE))
        for gradient, part in zip(gradients, pull.split([t.numel() for t in levels]), strict=True):
            gradient += ramp * self.SHARE * balance * part.view_as(gradient)


class SpikeAndSlab(Penalty):
    """-log2 of a mixture of a narrow and a wide normal density, with the bin's width as unit.

    Van Rozendaal et al., "Overfitting for fun and profit: instance-adaptive data compression"
    (ICLR 2021), section 3.2: doing nothing is almost free, and the rest pays as it moves.
    """

    SPIKE = 1 / 6
    """Standard deviations, in levels ..."""
    SLAB = 10.0
    WEIGHT = 1000.0
    """... and how many times likelier the spike is."""

    def add_gradients(self, levels: Sequence[Tensor], progress: float) -> None:
        total = levels[0].new_zeros(())
        for tensor in levels:
            logs = torch.stack([_normal_log(tensor, self.SPIKE), _normal_log(tensor, self.SLAB)])
            weights = torch.log(torch.tensor([self.WEIGHT, 1.0]) / (1 + self.WEIGHT))
            shape = (2,) + (1,) * tensor.ndim
            mixture = torch.logsumexp(logs + weights.to(logs).view(shape), 0)
            total = total - mixture.sum() / math.log(2)
        total.backward()


def _normal_log(x: Tensor, deviation: float) -> Tensor:
    """log of the normal density."""
    return -0.5 * (x / deviation).square() - math.log(deviation * math.sqrt(2 * math.pi))


class Entropy(Penalty):
    """Bits under a logistic prior that is learned beside the levels, and a learned step.

    Oktay et al., "Scalable model compression by entropy penalized reparameterization" (ICLR 2020):
    the network sees rounded levels, the prior sees them with uniform noise.  Prior and step belong
    to a group of tensors.
    """

    LOG2_SCALE = -2.0
    """Of the prior, to begin with."""

    def __init__(self, groups: Sequence[int], device: torch.device) -> None:
        self._groups = groups
        self._generator = torch.Generator(device).manual_seed(0)
        count = 1 + max(groups)
        self._log2_step = torch.zeros(count, device=device, requires_grad=True)
        self._log2_scale = torch.full((count,), self.LOG2_SCALE, device=device, requires_grad=True)

    def variables(self) -> list[Tensor]:
        return [self._log2_step, self._log2_scale]

    def seen(self, levels: Sequence[Tensor]) -> list[Tensor]:
        pairs = zip(levels, self._groups, strict=True)
        return [torch.exp2(self._log2_step[group]) * round_through(t) for t, group in pairs]

    def octaves(self, group: int) -> float:
        return float(self._log2_step[group])

    def add_gradients(self, levels: Sequence[Tensor], progress: float) -> None:
        pairs = zip(levels, self._groups, strict=True)
        bits = (logistic_bits(t + self._noise(t), self._log2_scale[g]).sum() for t, g in pairs)
        sum(bits, levels[0].new_zeros(())).backward()

    def _noise(self, like: Tensor) -> Tensor:
        drawn = torch.rand(like.shape, generator=self._generator, device=like.device)
        return drawn - 0.5


def make(loss: str, groups: Sequence[int], device: torch.device) -> Penalty:
    """The penalty of that name (`Technique.loss`) for tensors of the given groups."""
    if loss == "entropy":
        return Entropy(groups, device)
    kinds: dict[str, Callable[[], Penalty]] = {
        "rate": Rate,
        "ratio": Ratio,
        "spike-slab": SpikeAndSlab,
    }
    return kinds[loss]()
