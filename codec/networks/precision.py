"""What gradients are computed in: the fastest that the processor has."""

from __future__ import annotations

from functools import cache

import torch

FAST = {"amx_bf16", "avx512_bf16", "bf16"}
"""What processors call products of bfloat16.  Without them these are imitated, several times slower
than float32: default encoding took 259 s of a picture in place of 45 s with AVX2 alone."""


@cache
def gradient_type(device: str) -> torch.dtype:
    """bfloat16 or float32, on a type of device."""
    if device != "cpu":
        return torch.bfloat16
    has = torch.cpu.get_capabilities()
    return torch.bfloat16 if any(has.get(name) for name in FAST) else torch.float32


def autocast(device: str) -> torch.autocast:
    """Runs convolutions in `gradient_type`."""
    kind = gradient_type(device)
    return torch.autocast(device, torch.bfloat16, enabled=kind == torch.bfloat16)
