"""Folders of tiny pictures, and the program with the tiny model in place of the released one."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "vectors" / "models" / "tiny" / "model.safetensors"

Start = Callable[..., subprocess.Popen]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both packages, but that the tiny model is the only one.

    All processes of a test import them from here, whoever starts them.
    """
    site = tmp_path_factory.mktemp("site")
    shutil.copytree(
        ROOT / "codec", site / "codec", ignore=shutil.ignore_patterns("pretrained", "__pycache__")
    )
    (site / "bitstream").symlink_to(ROOT / "bitstream")
    folder = site / "codec" / "models" / "pretrained" / "tiny"
    folder.mkdir(parents=True)
    shutil.copy(TINY, folder)
    digest = hashlib.sha256(TINY.read_bytes()).hexdigest()
    registry = f'[default]\nlearned = "tiny"\n[sha256]\ntiny = "{digest}"\n'
    (folder.parent / "models.toml").write_text(registry, encoding="utf-8")
    return site


@pytest.fixture
def environment(site: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Starts the program in the folder of the test, which becomes the current one."""
    monkeypatch.chdir(tmp_path)

    def begin(*arguments: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-m", "codec", *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return begin


def write_pictures(folder: Path, count: int) -> list[Path]:
    """Writes tiny pictures, in subfolders; all differ."""
    rng = np.random.default_rng(0)
    paths = [folder / f"{index % 3}" / f"{index:03}.png" for index in range(count)]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(path)
    return paths


@pytest.fixture
def pictures(tmp_path: Path) -> Callable[[int], list[Path]]:
    """Writes so many tiny pictures below photos/."""
    return lambda count: write_pictures(tmp_path / "photos", count)
