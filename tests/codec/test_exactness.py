"""The proof that a machine computes the networks exactly, on machines that do not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from codec import decode
from codec.decoding.engines import reference
from codec.decoding.engines.choice import ENGINE_VARIABLE, chosen
from codec.decoding.engines.reference import proven
from codec.errors import ModelError
from codec.models import released
from codec.models.registry import MODELS_VARIABLE
from codec.networks import exactness
from scripts.conform.vectors import MODELS, VECTORS

CONTENTS = ("learned", "jpeg", "webp", "avif", "lossless")
VALID = VECTORS / "v1" / "valid"
CONVOLVE = functional.conv2d


def bf16(x: Tensor) -> Tensor:
    return x.bfloat16().float()


def tf32(x: Tensor) -> Tensor:
    """Rounds to 10 bits after the leading one."""
    bits = x.contiguous().view(torch.int32)
    return ((bits + 0x1000) & ~0x1FFF).view(torch.float32)


def rounding_inputs(rounded: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    return lambda x, weight, *rest, **named: CONVOLVE(rounded(x), rounded(weight), *rest, **named)


def rounding_sums(x: Tensor, weight: Tensor, *rest, **named) -> Tensor:
    return tf32(CONVOLVE(x, weight, *rest, **named))


def last_bit(x: Tensor, weight: Tensor, *rest, **named) -> Tensor:
    """A sum that is off by one, anywhere: what a transform such as Winograd's may leave."""
    result = CONVOLVE(x, weight, *rest, **named)
    result[..., -1, -1] += 1
    return result


@pytest.fixture
def torch_engine(monkeypatch):
    """Torch decodes, also where there is a kernel."""
    monkeypatch.setenv(ENGINE_VARIABLE, "torch")
    chosen.cache_clear()
    yield
    chosen.cache_clear()


MACHINES = {
    "bfloat16": rounding_inputs(bf16),
    "TF32": rounding_inputs(tf32),
    "sums of TF32": rounding_sums,
    "one sum": last_bit,
}


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("convolve", MACHINES.values(), ids=MACHINES)
def test_other_precisions_are_noticed(content, convolve, monkeypatch):
    monkeypatch.setattr(functional, "conv2d", convolve)
    with pytest.raises(ModelError, match="not compute the networks exactly") as refusal:
        proven(released.load_default(content))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("content", CONTENTS)
def test_this_machine_is_exact(content):
    exactness.prove(released.load_default(content).networks)


@pytest.mark.parametrize("name", ["odd-grid", "subspace-dense", "lossless-odd"])
@pytest.mark.parametrize("rounded", [bf16, tf32])
def test_nothing_is_decoded_to_other_pixels_in_silence(name, rounded, torch_engine, monkeypatch):
    monkeypatch.setenv(MODELS_VARIABLE, str(MODELS))
    data = (VALID / f"{name}.bin").read_bytes()
    decode(data)
    monkeypatch.setattr(functional, "conv2d", rounding_inputs(rounded))
    with pytest.raises(ModelError):
        decode(data)


def test_products_of_float64_are_proven_too(monkeypatch):
    multiply = torch.matmul
    monkeypatch.setattr(torch, "matmul", lambda a, b: multiply(a.float(), b.float()).double())
    with pytest.raises(exactness.InexactError, match="linear"):
        exactness.prove(released.load_default().networks)


def test_a_proof_is_made_once_for_what_selects_the_kernels(monkeypatch):
    proofs = []
    monkeypatch.setattr(exactness, "prove", proofs.append)
    reference._prove.cache_clear()
    threads = torch.get_num_threads()
    try:
        for count in (threads, threads, threads + 1, threads):
            torch.set_num_threads(count)
            proven(released.load_default())
    finally:
        torch.set_num_threads(threads)
        reference._prove.cache_clear()
    assert len(proofs) == 2
