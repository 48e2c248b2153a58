"""Gradients are taken in what the processor multiplies quickly."""

from __future__ import annotations

import pytest
import torch

from codec.networks import precision


@pytest.mark.parametrize(
    ("has", "expected"),
    [
        ({"avx2": True}, torch.float32),
        ({"avx512_f": True, "avx512_bf16": False}, torch.float32),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"neon": True, "bf16": True}, torch.bfloat16),
    ],
    ids=str,
)
def test_bfloat16_only_where_it_is_fast(monkeypatch, has, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)
    precision.gradient_type.cache_clear()
    try:
        assert precision.gradient_type("cpu") == expected
        with precision.autocast("cpu"):
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == expected
    finally:
        precision.gradient_type.cache_clear()
