"""The caller's process: what it has set changes no byte, and stays set."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.backends import mkldnn

import codec
from codec.contract.modes import Lossless, Lossy, Standard
from codec.contract.options import EncodeOptions
from codec.models import released as models
from codec.networks.isolation import isolated

ROOT = Path(__file__).parents[2]
OPTIONS = {
    "plain": EncodeOptions(effort=0),
    "update": EncodeOptions(effort=1),
    "refined": EncodeOptions(effort=3),
    "descent": EncodeOptions(effort=1, update="kernels-rate"),
    "random signs": EncodeOptions(effort=1, update="cosine"),
    "jpeg content": EncodeOptions(Lossy(content="jpeg"), effort=1),
}


@contextmanager
def setting(read: Callable[[], Any], write: Callable[[Any], None], value: Any) -> Iterator[None]:
    """Sets what belongs to the process, and sees to it that a call leaves it so."""
    before = read()
    write(value)
    try:
        yield
        assert read() == torch.device(value) if isinstance(before, torch.device) else value
    finally:
        write(None if isinstance(before, torch.device) else before)


def dtype(value: torch.dtype) -> AbstractContextManager[None]:
    return setting(torch.get_default_dtype, torch.set_default_dtype, value)


def device(name: str) -> AbstractContextManager[None]:
    return setting(torch.get_default_device, torch.set_default_device, name)


def precision(value: str) -> AbstractContextManager[None]:
    return setting(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, value)


SURROUNDINGS = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "float64": lambda: dtype(torch.float64),
    "bfloat16": lambda: dtype(torch.bfloat16),
    "meta": lambda: device("meta"),
    "matmul": lambda: precision("medium"),
    "deterministic": lambda: setting(
        torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms, True
    ),
}


@pytest.fixture(scope="module")
def picture(photo) -> np.ndarray:
    return photo[:64, :64].copy()


def all_at_once() -> AbstractContextManager[None]:
    stack = ExitStack()
    for name in ("inference_mode", "autocast", "float64", "meta", "matmul"):
        stack.enter_context(SURROUNDINGS[name]())
    return stack


def assert_changes_nothing(
    around: Callable[[], AbstractContextManager[None]], picture: np.ndarray, options: EncodeOptions
) -> None:
    expected = codec.encode(picture, options).data
    pixels = codec.decode(expected)
    models.load_file.cache_clear()
    with around():
        assert codec.encode(picture, options).data == expected
    models.load_file.cache_clear()
    with around():
        assert np.array_equal(codec.decode(expected), pixels)
    models.load_file.cache_clear()
    assert torch.is_grad_enabled()
    assert torch.get_default_dtype() == torch.float32


@pytest.mark.parametrize("around", SURROUNDINGS.values(), ids=SURROUNDINGS)
def test_surroundings_change_nothing(tiny, picture, around):
    assert_changes_nothing(around, picture, EncodeOptions(effort=1))


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_they_change_nothing_whatever_is_searched(tiny, picture, options):
    assert_changes_nothing(all_at_once, picture, options)


def test_shared_updates_and_enhancing_do_not_mind_either(tiny, picture):
    def all_bytes() -> list[bytes]:
        pair = [picture, picture[::-1].copy()]
        shared = codec.encode_shared(pair, EncodeOptions(effort=1))
        plain = codec.encode(picture, EncodeOptions(Standard("jpeg"))).data
        enhanced = codec.enhance(picture, plain, EncodeOptions(effort=1)).data
        return [*(result.data for result in shared.pictures), shared.update, enhanced]

    expected = all_bytes()
    models.load_file.cache_clear()
    with torch.inference_mode(), dtype(torch.float64), torch.autocast("cpu", torch.bfloat16):
        assert all_bytes() == expected
    models.load_file.cache_clear()


@pytest.mark.parametrize(
    "options",
    [
        EncodeOptions(Lossless(), effort=1),
        EncodeOptions(Standard("jpeg", 30), effort=1),
    ],
    ids=["lossless", "jpeg file"],
)
def test_the_released_networks_do_not_mind_either(picture, options):
    assert_changes_nothing(all_at_once, picture, options)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_no_random_number_is_drawn_from_the_caller(tiny, picture, options):
    models.load_file.cache_clear()
    found = set()
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.random.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
        found.add(codec.encode(picture, options).data)
        after = torch.random.get_rng_state(), np.random.get_state()[1], random.getstate()
        assert torch.equal(before[0], after[0])
        assert np.array_equal(before[1], after[1])
        assert before[2] == after[2]
    assert len(found) == 1


def test_convolutions_are_exact_whatever_precision_the_process_has(tiny, picture):
    expected = codec.encode(picture, EncodeOptions(effort=1)).data
    before = mkldnn.conv.fp32_precision
    mkldnn.conv.fp32_precision = "bf16"
    try:
        with isolated():
            assert mkldnn.conv.fp32_precision == "ieee"
        assert codec.encode(picture, EncodeOptions(effort=1)).data == expected
        assert mkldnn.conv.fp32_precision == "bf16"
    finally:
        mkldnn.conv.fp32_precision = before


def test_what_belongs_to_the_process_is_restored_after_the_last_of_several_threads():
    inside, leave = threading.Barrier(2), [threading.Event(), threading.Event()]
    with dtype(torch.float64), ThreadPoolExecutor(2) as pool:

        def work(number: int) -> torch.dtype:
            with isolated():
                inside.wait(60)
                assert leave[number].wait(60)
                return torch.zeros(1).dtype

        first, second = (pool.submit(work, number) for number in (0, 1))
        leave[0].set()
        assert first.result(60) == torch.float32
        assert torch.get_default_dtype() == torch.float32  # the second still needs it
        leave[1].set()
        assert second.result(60) == torch.float32
        assert torch.get_default_dtype() == torch.float64


def test_an_error_restores_all():
    with dtype(torch.float64):
        with torch.inference_mode(), pytest.raises(ValueError, match="inside"), isolated():
            assert not torch.is_inference_mode_enabled()
            raise ValueError("inside")
        assert torch.get_default_dtype() == torch.float64


def test_parallel_threads_give_what_one_gives(tiny, photo):
    pictures = [photo[:64, left : left + 64].copy() for left in (0, 96)]
    options = EncodeOptions(effort=3)
    expected = [codec.encode(picture, options).data for picture in pictures]
    pixels = [codec.decode(data) for data in expected]
    models.load_file.cache_clear()
    with ThreadPoolExecutor(2) as pool:
        found = [result.data for result in pool.map(lambda p: codec.encode(p, options), pictures)]
        decoded = list(pool.map(codec.decode, expected * 2))
    assert found == expected
    assert all(np.array_equal(*pair) for pair in zip(decoded, pixels * 2, strict=True))


FORK = """
import multiprocessing, sys
import torch, codec
torch.set_num_threads(2)
from skimage import data
file = codec.encode(data.astronaut()[:128, :128].copy(), codec.EncodeOptions(effort=0)).data
expected = codec.decode(file)

def decode(_):
    return (codec.decode(file) == expected).all()

with multiprocessing.get_context("fork").Pool(2) as pool:
    assert all(pool.map_async(decode, range(2)).get(60))
torch.set_default_dtype(torch.float64)
with multiprocessing.get_context("fork").Pool(1) as pool:
    assert pool.apply(torch.get_default_dtype) == torch.float64
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_forked_processes_decode():
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "2"}
    subprocess.run([sys.executable, "-c", FORK], env=environment, check=True, timeout=180)
