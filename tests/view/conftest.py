"""A file with an update, and its page."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from codec.opening import open_file
from codec.pages.view import sites
from codec.pages.view.comparison import Comparison, Entry, compare
from codec.pages.view.server import Site, ViewServer

VECTORS = Path(__file__).parents[1] / "vectors"


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.setenv("NNCODEC_MODELS", str(VECTORS / "models"))
    return (VECTORS / "v1" / "valid" / "subspace-dense.bin").read_bytes()


@pytest.fixture
def decoded() -> np.ndarray:
    return np.asarray(Image.open(VECTORS / "v1" / "valid" / "subspace-dense.png").convert("RGB"))


@pytest.fixture
def comparison(data: bytes, decoded: np.ndarray) -> Comparison:
    """With an original that differs from the decoded picture by one everywhere: 48.13 dB."""
    return compare([Entry("<photo>.nni", open_file(data))], decoded ^ 1)


@pytest.fixture
def site(comparison: Comparison) -> Site:
    return sites.of_comparison(comparison)


@pytest.fixture
def server(site: Site) -> Iterator[ViewServer]:
    with ViewServer(site) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
