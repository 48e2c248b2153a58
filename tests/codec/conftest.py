"""The tiny model, the released model, and pictures."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))

from tiny_model import MODEL_FILE

from codec import weights
from codec.weights import ReleasedModel

Threads = Callable[[int], object]


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `weights.PRETRAINED` is when only the tiny model is installed."""
    folder = tmp_path_factory.mktemp("pretrained")
    (folder / "tiny").mkdir()
    shutil.copy(MODEL_FILE, folder / "tiny" / "model.safetensors")
    digest = hashlib.sha256(MODEL_FILE.read_bytes()).hexdigest()
    registry = f'default = "tiny"\n[sha256]\ntiny = "{digest}"\n'
    (folder / "models.toml").write_text(registry, encoding="utf-8")
    return folder


@pytest.fixture
def tiny(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> ReleasedModel:
    """The tiny model, installed as the only one."""
    monkeypatch.setattr(weights, "PRETRAINED", tiny_folder)
    monkeypatch.setattr(weights, "REGISTRY", tiny_folder / "models.toml")
    return weights.load_default()


@pytest.fixture(scope="session")
def released() -> ReleasedModel:
    """The default model of the package."""
    return weights.load_default()


@pytest.fixture(scope="session")
def photo() -> NDArray[np.uint8]:
    """A crop of a photograph: uint8 [128 192 3]."""
    from skimage import data

    return data.astronaut()[:128, 140:332].copy()


@pytest.fixture
def threads() -> Iterator[Threads]:
    """A context manager that sets the number of threads."""

    @contextmanager
    def use(count: int) -> Iterator[None]:
        before = torch.get_num_threads()
        torch.set_num_threads(count)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    return use
