"""Muon for the kernels of convolutions and Adam for all other parameters, as one optimiser.

Muon (Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024) makes each
update of a matrix orthogonal, so that rare directions learn as fast as common ones.  A kernel
[o i k k] is the matrix [o, k*k*i].  Updates are scaled to the size of Adam's (Liu et al., "Muon is
scalable for LLM training", 2025, section 2.2): both share one learning rate.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import torch
from torch import Tensor, nn

from codec.networks.precision import gradient_type

LEAST_SIDE = 16
"""Of a matrix that Muon takes: smaller ones have few directions to tell apart."""
MOMENTUM = 0.95
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of x, x^3 and x^5 of one iteration, by Jordan et al."""
ITERATIONS = 5
ADAM_RMS = 0.2
"""Root mean square of Adam's usual updates, in learning rates."""


def is_kernel(parameter: Tensor) -> bool:
    """Whether Muon takes it."""
    return parameter.ndim == 4 and min(parameter.shape[0], parameter[0].numel()) >= LEAST_SIDE


def orthogonal(matrices: Tensor) -> Tensor:
    """Brings all singular values close to 1, by Newton-Schulz: [n a b], in the type of gradients.

    `torch.optim.Muon` does the same one matrix at a time, which takes twice as long in networks of
    many small layers.
    """
    if matrices.shape[1] > matrices.shape[2]:
        return orthogonal(matrices.mT).mT
    linear, cubic, quintic = NEWTON_SCHULZ
    x = matrices.to(gradient_type(matrices.device.type))
    x = x / x.flatten(1).norm(dim=1).clamp(min=1e-7).view(-1, 1, 1)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        gram = torch.baddbmm(gram, gram, gram, beta=cubic, alpha=quintic)
        x = torch.baddbmm(x, gram, x, beta=linear)
    return x


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov's momentum; matrices of the same sides are made orthogonal together."""

    def __init__(self, groups: list[dict[str, Any]], lr: float) -> None:
        super().__init__(groups, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """One update of every kernel that has a gradient."""
        for group in self.param_groups:
            alike: dict[frozenset[int], list[tuple[nn.Parameter, Tensor]]] = defaultdict(list)
            for kernel in group["params"]:
                if kernel.grad is None:
                    continue
                state = self.state[kernel]
                if not state:
                    state["momentum"] = torch.zeros_like(kernel)
                mean = state["momentum"].lerp_(kernel.grad, 1 - MOMENTUM)
                ahead = kernel.grad.lerp(mean, MOMENTUM).permute(0, 2, 3, 1)
                matrix = ahead.flatten(1)
                alike[frozenset(matrix.shape)].append((kernel, matrix))
            for sides, members in alike.items():
                kernels, matrices = zip(*members, strict=True)
                wide = [m if len(m) == min(sides) else m.T for m in matrices]
                size = group["lr"] * ADAM_RMS * max(sides) ** 0.5
                for kernel, matrix, update in zip(
                    kernels, matrices, orthogonal(torch.stack(wide)), strict=True
                ):
                    update = update if len(matrix) == min(sides) else update.T
                    channels_last = kernel.permute(0, 2, 3, 1)
                    channels_last.sub_(update.reshape(channels_last.shape), alpha=size)


class KernelMuon:
    """What `Training` needs of an optimiser.

    Args:
        groups: parameter groups as Adam takes them.
        lr: learning rate of both.
    """

    def __init__(self, groups: list[dict[str, Any]], lr: float) -> None:
        def part(kernels: bool) -> list[dict[str, Any]]:
            return [
                group | {"params": [p for p in group["params"] if is_kernel(p) == kernels]}
                for group in groups
            ]

        self._parts = (Muon(part(True), lr), torch.optim.Adam(part(False), lr=lr))

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        return [group for part in self._parts for group in part.param_groups]

    def zero_grad(self, set_to_none: bool = True) -> None:
        for part in self._parts:
            part.zero_grad(set_to_none)

    def step(self) -> None:
        for part in self._parts:
            part.step()

    def state_dict(self) -> dict[str, Any]:
        return {str(index): part.state_dict() for index, part in enumerate(self._parts)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for index, part in enumerate(self._parts):
            part.load_state_dict(state[str(index)])
