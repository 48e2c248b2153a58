"""A small lossless model with fixed weights, and pictures."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from codec.contract.contents import LOSSLESS
from codec.models import released
from codec.models.kinds import ReleasedModel
from codec.networks.config import LosslessConfig
from codec.networks.lossless.network import LosslessNetworks
from scripts.conform.lossless import drawn_correctors
from scripts.release.export_lossless import release
from scripts.train.lossless_rate import solve_linear


def tiny_model_file(pictures: list[NDArray[np.uint8]]) -> bytes:
    """The bytes of a model whose linear predictors fit some pictures; the rest is random."""
    torch.manual_seed(0)
    networks = LosslessNetworks(LosslessConfig(hidden=8, blocks=1)).requires_grad_(False)
    planes = [torch.from_numpy(pixels).permute(2, 0, 1) for pixels in pictures]
    solve_linear(networks, planes, np.random.default_rng(0))
    for name, parameter in networks.named_parameters():
        if name.endswith(("leave.weight", "grid")):
            parameter.normal_(0, 0.02)
    return release(networks, planes, drawn_correctors())


@pytest.fixture(scope="session")
def photos() -> list[NDArray[np.uint8]]:
    """Crops of photographs: uint8 [96 128 3] each."""
    from skimage import data

    return [
        whole()[60:156, 150:278].copy() for whole in (data.astronaut, data.chelsea, data.coffee)
    ]


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory, photos) -> Path:
    """What `released.PRETRAINED` is when only this model is installed."""
    folder = tmp_path_factory.mktemp("pretrained")
    data = tiny_model_file(photos)
    (folder / "tiny").mkdir()
    (folder / "tiny" / "model.safetensors").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    tables = f'[default]\n{LOSSLESS} = "tiny"\n[sha256]\ntiny = "{digest}"\n'
    (folder / "models.toml").write_text(tables, encoding="utf-8")
    return folder


@pytest.fixture
def tiny(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> ReleasedModel:
    """The tiny model, the only one installed."""
    monkeypatch.setattr(released, "PRETRAINED", tiny_folder)
    monkeypatch.setattr(released, "REGISTRY", tiny_folder / "models.toml")
    return released.load_default(LOSSLESS)
