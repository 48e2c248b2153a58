"""Both engines, every instruction set and any number of threads give the same integers."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bitstream import Container, FormatError
from codec.contract.quality import HALVES
from codec.decoding import decoder
from codec.decoding.contents import learned
from codec.decoding.engines import choice
from codec.decoding.engines.reference import TorchEngine
from codec.decoding.lossless import decoder as lossless
from codec.errors import EngineError
from codec.models import released
from codec.models.registry import MODELS_VARIABLE
from codec.networks.integers import Scales
from codec.opening import open_file
from scripts.conform.vectors import MODELS, Vector, all_vectors, pixels_sha256

ALL = [vector for vector in all_vectors() if vector.path.stat().st_size]
VALID = [vector for vector in ALL if vector.error is None]


def kernels() -> list:
    try:
        from codec.decoding.engines import library
        from codec.decoding.engines.compiled import KernelEngine

        levels = library.levels()
        return [*(KernelEngine(level, 1) for level in levels), KernelEngine(levels[-1], 2)]
    except OSError:
        return []


def use(monkeypatch, engine) -> None:
    for module in (decoder, learned, lossless):
        monkeypatch.setattr(module, "chosen", lambda: engine)


def decode(data: bytes):
    return decoder.restore(open_file(data)).pixels


ENGINES = [TorchEngine(), *kernels()]


def engine_name(engine) -> str:
    threads = getattr(engine, "_threads", "")
    return f"{engine.name} {threads}".strip()


@pytest.fixture(params=ENGINES, ids=engine_name)
def engine(request, monkeypatch):
    monkeypatch.setenv(MODELS_VARIABLE, str(MODELS))
    use(monkeypatch, request.param)
    return request.param


@pytest.mark.parametrize("vector", VALID, ids=lambda vector: vector.id)
def test_every_engine_gives_the_very_same_pixels(engine, vector: Vector):
    assert pixels_sha256(decode(vector.path.read_bytes())) == vector.pixels_sha256


@pytest.mark.parametrize("vector", [v for v in ALL if v.error], ids=lambda vector: vector.id)
def test_every_engine_refuses_for_the_same_reason(engine, vector: Vector):
    with pytest.raises(FormatError) as caught:
        decode(vector.path.read_bytes())
    assert type(caught.value).__name__ == vector.error


def test_many_threads_may_decode_at_once(engine):
    vectors = VALID[::9] * 3

    def decoded(vector: Vector) -> str:
        return pixels_sha256(decode(vector.path.read_bytes()))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(decoded, vectors)) == [vector.pixels_sha256 for vector in vectors]


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_a_forked_process_decodes(engine):
    vector = VALID[0]
    decode(vector.path.read_bytes())
    if isinstance(engine, TorchEngine):
        pytest.skip("torch's threads do not survive a fork")
    child = os.fork()
    if not child:
        good = pixels_sha256(decode(vector.path.read_bytes())) == vector.pixels_sha256
        os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_an_engine_can_be_named(monkeypatch):
    monkeypatch.setenv(choice.ENGINE_VARIABLE, "torch")
    assert choice.chosen.__wrapped__().name == "torch"
    monkeypatch.setenv(choice.ENGINE_VARIABLE, "abacus")
    with pytest.raises(EngineError, match="abacus"):
        choice.chosen.__wrapped__()


def test_without_a_kernel_torch_decodes(monkeypatch, tmp_path):
    from codec.decoding.engines import library

    def missing() -> None:
        raise OSError("no such library")

    monkeypatch.setattr(library, "load_kernel", missing)
    assert choice.chosen.__wrapped__().name == "torch"


@pytest.mark.parametrize("size", [(1, 1), (17, 40), (200, 90)], ids=str)
def test_engines_agree_on_noise(size, monkeypatch):
    """Codewords of noise lead everywhere that a codeword can."""
    monkeypatch.setenv(MODELS_VARIABLE, str(MODELS))
    container = Container.unpack(VALID[0].path.read_bytes())
    rng = np.random.default_rng(size[0])
    model = released.load(container.header.model)
    for half in (0, 77, HALVES):
        header = type(container.header)(*size, half, model.id)
        payload, found = rng.bytes(3000), []
        for one in ENGINES:
            use(monkeypatch, one)
            scales = Scales.plain(model.config.channels)
            try:
                picture = learned.decode(payload, header, model, scales)
            except FormatError as error:
                found.append(str(error))
                continue
            found.append(
                one.filter(model, model.filter_layers, picture, half - 100, size).tobytes()
            )
        assert len(set(found)) == 1
