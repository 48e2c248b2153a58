"""A file with an update, and its page."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from codec.opening import open_file
from codec.pages.view.comparison import Comparison, compare
from codec.pages.view.server import ViewServer

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
    return compare(open_file(data), decoded ^ 1)


@pytest.fixture
def server(comparison: Comparison) -> Iterator[ViewServer]:
    with ViewServer(comparison, "<photo>.nni") as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
