"""The tiny models, the released model, and pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from codec.contract.contents import CONTENTS
from codec.models import released as models
from codec.models.kinds import ReleasedModel
from tests.codec.tiny_model import MODEL_FILE, tiny_filter_file

Threads = Callable[[int], object]


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `released.PRETRAINED` is when only tiny models are installed, one for each content."""
    folder = tmp_path_factory.mktemp("pretrained")
    tables: dict[str, list[str]] = {"default": [], "sha256": []}
    for content in CONTENTS:
        learned = content == "learned"
        name = "tiny" if learned else f"tiny-{content}"
        data = MODEL_FILE.read_bytes() if learned else tiny_filter_file(content)
        (folder / name).mkdir()
        (folder / name / "model.safetensors").write_bytes(data)
        tables["default"].append(f'{content} = "{name}"')
        tables["sha256"].append(f'{name} = "{hashlib.sha256(data).hexdigest()}"')
    lines = [line for name, rows in tables.items() for line in (f"[{name}]", *rows)]
    (folder / "models.toml").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture
def tiny(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> ReleasedModel:
    """The tiny model; with those of the other contents the only ones installed."""
    monkeypatch.setattr(models, "PRETRAINED", tiny_folder)
    monkeypatch.setattr(models, "REGISTRY", tiny_folder / "models.toml")
    return models.load_default()


@pytest.fixture(scope="session")
def released() -> ReleasedModel:
    """The default model of the package."""
    return models.load_default()


@pytest.fixture(scope="session")
def photo() -> NDArray[np.uint8]:
    """A crop of a photograph: uint8 [128 192 3]."""
    from skimage import data

    return data.astronaut()[:128, 140:332].copy()


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Threads]:
    """A context manager that sets the number of threads."""

    @contextmanager
    def use(count: int) -> Iterator[None]:
        before = torch.get_num_threads()
        torch.set_num_threads(count)
        monkeypatch.setenv("OMP_NUM_THREADS", str(count))
        try:
            yield
        finally:
            torch.set_num_threads(before)

    return use
