"""Training pictures in memory, random crops, and the statistics that the model starts from."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}
KERNELS = (Image.Resampling.LANCZOS, Image.Resampling.BICUBIC, Image.Resampling.BOX)
"""Pictures are shrunk by these in turn, so that no kernel's traces are learned."""


def load_folder(root: Path, limit: int | None = None) -> list[Tensor]:
    """All pictures below `root`, sorted by path: uint8 [3 h w] each."""
    paths = sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES)[:limit]
    if not paths:
        raise SystemExit(f"train: no pictures below {root}")

    def load(path: Path) -> Tensor:
        with Image.open(path) as image:
            return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(load, paths))


def load_shrunk(root: Path, scales: Sequence[float], least: int) -> list[Tensor]:
    """Every picture below `root` at every scale: uint8 [3 h w] each."""
    pictures = []
    for number, path in enumerate(
        sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES)
    ):
        with Image.open(path) as image:
            whole = image.convert("RGB")
        for index, scale in enumerate(scales):
            size = (round(whole.width * scale), round(whole.height * scale))
            kernel = KERNELS[(number + index) % len(KERNELS)]
            if min(size) >= least:
                small = torch.from_numpy(np.array(whole.resize(size, kernel)))
                pictures.append(small.permute(2, 0, 1).contiguous())
    if not pictures:
        raise SystemExit(f"train: no pictures below {root}")
    return pictures


def random_crops(pictures: list[Tensor], size: int, count: int, rng: np.random.Generator) -> Tensor:
    """float [count 3 size size], pixel values - 128, flipped at random."""
    crops = []
    weights = np.array([p.shape[1] * p.shape[2] for p in pictures], dtype=float)
    for index in rng.choice(len(pictures), count, p=weights / weights.sum()):
        picture = pictures[index]
        top = rng.integers(picture.shape[1] - size + 1)
        left = rng.integers(picture.shape[2] - size + 1)
        crop = picture[:, top : top + size, left : left + size]
        dims = [axis for axis in (1, 2) if rng.random() < 0.5]
        crops.append(crop.flip(dims) if dims else crop)
    return torch.stack(crops).float() - 128


def center_crops(pictures: list[Tensor], size: int) -> Tensor:
    """float [n 3 size size], pixel values - 128."""
    crops = []
    for picture in pictures:
        top, left = (picture.shape[1] - size) // 2, (picture.shape[2] - size) // 2
        crops.append(picture[:, top : top + size, left : left + size])
    return torch.stack(crops).float() - 128


def klt(pictures: list[Tensor], block: int, channels: int) -> tuple[Tensor, Tensor]:
    """Karhunen-Loeve transform of block x block x 3 blocks, mean not removed beyond 128.

    Returns:
        components float [channels 3*block**2] (orthonormal rows, `pixel_unshuffle` order) and the
        standard deviation of each coefficient, float [channels], both by descending deviation.
    """
    size = 3 * block * block
    moment, count = torch.zeros(size, size, dtype=torch.float64), 0
    for picture in pictures:
        height, width = (side // block * block for side in picture.shape[1:])
        blocks = functional.pixel_unshuffle(picture[None, :, :height, :width].float() - 128, block)
        rows = blocks[0].flatten(1)
        moment += (rows @ rows.T).double()
        count += rows.shape[1]
    values, vectors = torch.linalg.eigh(moment / count)
    order = values.argsort(descending=True)[:channels]
    return vectors[:, order].T.float(), values[order].clamp(min=1e-6).sqrt().float()
