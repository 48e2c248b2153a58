"""The stand-in for constriction writes the same bytes, and reads what it reads."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from constriction import stream
from numpy.typing import NDArray

from bitstream.coding import plain_range, range_coder

CODERS = (stream, plain_range)
Step = tuple[str, NDArray[np.int32], Any]


def frequencies(rng: np.random.Generator, size: int) -> NDArray[np.int64]:
    """Of sum 2**24, some of them as small as can be."""
    shares = rng.exponential(size=size) ** 3
    found = np.maximum(1, np.floor(shares / shares.sum() * (2**24 - size))).astype(np.int64)
    found[np.argmax(found)] += 2**24 - found.sum()
    return found


def steps(rng: np.random.Generator) -> list[Step]:
    """Kind of model, symbols, and what the models are made of."""
    made: list[Step] = []
    for kind in rng.choice(["one", "many", "sizes", "coin"], rng.integers(0, 30)):
        count, size = int(rng.integers(1, 20)), int(rng.integers(2, 30))
        if kind == "sizes":
            sizes = rng.integers(2, 3000, count).astype(np.int32)
            made.append((kind, rng.integers(0, sizes).astype(np.int32), sizes))
            continue
        if kind == "coin":
            made.append((kind, rng.integers(0, 2, 1).astype(np.int32), None))
            continue
        rows = [frequencies(rng, size) for _ in range(count if kind == "many" else 1)]
        weights = (np.stack(rows) - 1).astype(np.float64)
        symbols = rng.integers(0, size, count).astype(np.int32)
        made.append((kind, symbols, weights if kind == "many" else weights[0]))
    return made


def model(coder: Any, kind: str, made_of: Any) -> tuple[Any, ...]:
    """A model, and parameters if it is a family."""
    if kind == "one":
        return (coder.model.Categorical(made_of, perfect=False),)
    if kind == "many":
        return coder.model.Categorical(perfect=False), made_of
    return (coder.model.Uniform(2),) if kind == "coin" else (coder.model.Uniform(), made_of)


@pytest.mark.parametrize("seed", range(40))
def test_it_writes_and_reads_as_constriction_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    script = steps(rng)
    encoders = [coder.queue.RangeEncoder() for coder in CODERS]
    for kind, symbols, made_of in script:
        for coder, encoder in zip(CODERS, encoders, strict=True):
            encoder.encode(symbols, *model(coder, kind, made_of))
        theirs, ours = (encoder.pos() for encoder in encoders)
        assert (theirs[0], tuple(map(int, theirs[1]))) == ours
    codeword, same = map(range_coder.finish, encoders)
    assert codeword == same
    words = np.frombuffer(codeword + bytes(-len(codeword) % 4), ">u4").astype(np.uint32)
    for data in (words, rng.integers(0, 2**32, 20, np.uint64).astype(np.uint32)):
        assert read(stream, data, script) == read(plain_range, data, script)
    assert read(plain_range, words, script) == [symbols.tolist() for _, symbols, _ in script]


def read(coder: ModuleType, words: NDArray[np.uint32], script: list[Step]) -> list[list[int]]:
    """What is read of a codeword, up to where it is found to be none."""
    decoder, found = coder.queue.RangeDecoder(words), []
    for kind, symbols, made_of in script:
        its, *parameters = model(coder, kind, made_of)
        try:
            found.append(decoder.decode(its, *(parameters or [len(symbols)])).tolist())
        except AssertionError:
            break
    return found
