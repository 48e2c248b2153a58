"""Muon for the kernels of convolutions and Adam for all other parameters, as one optimiser.

Muon (Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024) makes each
update of a matrix orthogonal, so that rare directions learn as fast as common ones.  A kernel
[o i k k] is the matrix [o, k*k*i].  Updates are scaled to the size of Adam's (Liu et al., "Muon is
scalable for LLM training", 2025, section 2.2): both share one learning rate.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

LEAST_SIDE = 16
"""Of a matrix that Muon takes: smaller ones have few directions to tell apart."""


def is_kernel(parameter: Tensor) -> bool:
    """Whether Muon takes it."""
    return parameter.ndim == 4 and min(parameter.shape[0], parameter[0].numel()) >= LEAST_SIDE


def _matrix(kernel: Tensor) -> Tensor:
    return kernel.permute(0, 2, 3, 1).flatten(1)


class KernelMuon:
    """What `Training` needs of an optimiser.

    Args:
        groups: parameter groups as Adam takes them; kernels in them are channels last in memory.
        lr: learning rate of both.
    """

    def __init__(self, groups: list[dict[str, Any]], lr: float) -> None:
        self._kernels = [p for group in groups for p in group["params"] if is_kernel(p)]
        self._matrices = [nn.Parameter(_matrix(kernel.detach())) for kernel in self._kernels]
        for kernel, matrix in zip(self._kernels, self._matrices, strict=True):
            if kernel.data_ptr() != matrix.data_ptr():
                raise ValueError(f"a kernel {tuple(kernel.shape)} is not channels last in memory")
        others = [
            group | {"params": [p for p in group["params"] if not is_kernel(p)]} for group in groups
        ]
        muon = torch.optim.Muon(
            self._matrices, lr=lr, weight_decay=0.0, adjust_lr_fn="match_rms_adamw"
        )
        self._parts = (muon, torch.optim.Adam(others, lr=lr))

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        return [group for part in self._parts for group in part.param_groups]

    def zero_grad(self, set_to_none: bool = True) -> None:
        for kernel in self._kernels:
            kernel.grad = None
        for part in self._parts:
            part.zero_grad(set_to_none)

    def step(self) -> None:
        for kernel, matrix in zip(self._kernels, self._matrices, strict=True):
            matrix.grad = None if kernel.grad is None else _matrix(kernel.grad)
        for part in self._parts:
            part.step()

    def state_dict(self) -> dict[str, Any]:
        return {str(index): part.state_dict() for index, part in enumerate(self._parts)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for index, part in enumerate(self._parts):
            part.load_state_dict(state[str(index)])
