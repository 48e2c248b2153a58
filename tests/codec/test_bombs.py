"""Files of few bytes that claim large pictures, and the limits that decoding them meets."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bitstream import Container, FormatError, Header, LimitExceeded, Tag, Truncated
from codec import DecodeOptions, decode
from codec.errors import OptionError
from codec.models.registry import MODELS_VARIABLE
from codec.networks import patience
from scripts.conform.vectors import MODELS, VECTORS

LOSSY, LOSSLESS = (
    (VECTORS / "v1" / "valid" / f"{name}.bin").read_bytes() for name in ("odd-grid", "lossless-odd")
)


@pytest.fixture(autouse=True)
def vector_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODELS_VARIABLE, str(MODELS))


def claiming(data: bytes, side: int, content: bytes | None = None) -> bytes:
    """A file with the header of a picture of another size."""
    found = Container.unpack(data)
    header = Header(side, side, found.header.quality, found.header.model)
    chunks = {Tag.CONTENT: found.chunks[Tag.CONTENT] if content is None else content}
    return Container(header, chunks).pack()


@pytest.fixture(params=["lossy", "lossless"])
def coded(request) -> bytes:
    return {"lossy": LOSSY, "lossless": LOSSLESS}[request.param]


@pytest.fixture
def ticking(monkeypatch) -> itertools.count:
    """A clock that says one second more each time that it is asked."""
    seconds = itertools.count()
    monkeypatch.setattr(patience, "clock", lambda: float(next(seconds)))
    return seconds


@pytest.mark.parametrize("content", [b"", b"\0" * 7, b"\x5a" * 3])
def test_a_codeword_that_is_too_short_is_refused_where_it_ends(ticking, content):
    data = claiming(LOSSY, 4096, content)
    assert len(data) < 60
    start = next(ticking)
    with pytest.raises(Truncated, match="past its end"):
        decode(data)
    # Before a network has seen more than the first group of latents: pieces, not seconds.
    assert next(ticking) - start < 12


def test_a_lossless_codeword_that_is_too_short_is_refused_too(ticking):
    """For that, or for a value that no pixel has, before the grids are large."""
    data = claiming(LOSSLESS, 4096, Container.unpack(LOSSLESS).chunks[Tag.CONTENT][:40])
    start = next(ticking)
    with pytest.raises(FormatError):
        decode(data)
    assert next(ticking) - start < 400


def test_decoding_is_given_up_in_time(coded, ticking):
    start = next(ticking)
    with pytest.raises(LimitExceeded, match=r"takes longer than 3 seconds.*--time-limit"):
        decode(coded, DecodeOptions(time_limit=3))
    assert next(ticking) - start <= 6


def test_enough_time_changes_nothing(coded, ticking):
    start = next(ticking)
    in_time = decode(coded, DecodeOptions(time_limit=1e6))
    assert next(ticking) - start > 20
    np.testing.assert_array_equal(in_time, decode(coded))


def test_a_limit_ends_with_its_file(coded):
    with pytest.raises(LimitExceeded):
        decode(coded, DecodeOptions(time_limit=1e-9))
    assert decode(coded).ndim == 3


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan")])
def test_a_limit_is_positive(seconds):
    with pytest.raises(OptionError):
        DecodeOptions(time_limit=seconds)
