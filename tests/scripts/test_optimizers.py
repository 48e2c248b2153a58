"""The optimiser of longer trainings: what each part of it changes, and that it resumes."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn

from scripts.train.muon import KernelMuon, is_kernel

RATE = 0.01


def layer(memory_format: torch.memory_format = torch.channels_last) -> nn.Conv2d:
    torch.manual_seed(3)
    return nn.Conv2d(20, 24, 3).to(memory_format=memory_format)


def optimizer_of(conv: nn.Conv2d) -> KernelMuon:
    return KernelMuon([{"params": list(conv.parameters())}], RATE)


def descend(conv: nn.Conv2d, optimizer: KernelMuon, seed: int) -> None:
    x = torch.randn(2, 20, 8, 8, generator=torch.Generator().manual_seed(seed))
    optimizer.zero_grad()
    (conv(x) - x.mean()).square().sum().backward()
    optimizer.step()


def changes(conv: nn.Conv2d, before: dict[str, Tensor]) -> Tensor:
    return (conv.weight - before["weight"]).detach().permute(0, 2, 3, 1).flatten(1)


def test_every_direction_of_a_kernel_learns_alike():
    conv = layer()
    before = {name: value.clone() for name, value in conv.state_dict().items()}
    descend(conv, optimizer_of(conv), 0)
    strengths = torch.linalg.svdvals(changes(conv, before))
    assert strengths.max() < 2 * strengths.min()
    assert torch.allclose((conv.bias - before["bias"]).abs(), torch.tensor(RATE), rtol=1e-3)


def test_an_update_is_about_as_large_as_adams():
    conv = layer()
    before = {name: value.clone() for name, value in conv.state_dict().items()}
    descend(conv, optimizer_of(conv), 0)
    assert 0.1 * RATE < changes(conv, before).square().mean().sqrt() < 0.4 * RATE


def test_resumes_where_it_was():
    conv, copy = layer(), layer()
    optimizer = optimizer_of(conv)
    for seed in range(3):
        descend(conv, optimizer, seed)
    copy.load_state_dict(conv.state_dict())
    resumed = optimizer_of(copy)
    resumed.load_state_dict(deepcopy(optimizer.state_dict()))
    descend(conv, optimizer, 9)
    descend(copy, resumed, 9)
    assert torch.equal(conv.weight, copy.weight) and torch.equal(conv.bias, copy.bias)


def test_kernels_of_the_same_sides_learn_as_each_would_alone():
    torch.manual_seed(4)
    shapes = ((24, 20, 3, 3), (180, 24, 1, 1), (24, 180, 1, 1), (40, 24, 1, 1))
    kernels = [nn.Parameter(torch.randn(shape)) for shape in shapes]
    alone = [nn.Parameter(k.detach().permute(0, 2, 3, 1).flatten(1)) for k in kernels]
    ours = KernelMuon([{"params": kernels}], RATE)
    theirs = torch.optim.Muon(alone, lr=RATE, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
    before = [matrix.detach().clone() for matrix in alone]
    for _ in range(2):
        for kernel, matrix in zip(kernels, alone, strict=True):
            kernel.grad = torch.randn_like(kernel)
            matrix.grad = kernel.grad.permute(0, 2, 3, 1).flatten(1)
        ours.step()
        theirs.step()
    for kernel, matrix, old in zip(kernels, alone, before, strict=True):
        change = kernel.detach().permute(0, 2, 3, 1).flatten(1) - old
        error = change - (matrix.detach() - old)
        assert error.norm() < 0.03 * change.norm()


def test_small_tensors_are_left_to_adam():
    assert is_kernel(torch.zeros(24, 12, 3, 3))
    assert not is_kernel(torch.zeros(12, 60, 3, 3))
    assert not is_kernel(torch.zeros(24, 8, 1, 1))
    assert not is_kernel(torch.zeros(320, 768))
