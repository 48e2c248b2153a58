"""Originals and what a content codec makes of them: the training data of post-filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from codec.picture.standard import STANDARD
from scripts.train.writers import write

GRID_PX = 16
"""Crops keep the grid of the blocks that standard codecs work in."""
LOWEST_QUALITY, HIGHEST_QUALITY = 5, 95


@dataclass(frozen=True)
class Pairs:
    """Pictures [n 3 h w] of one size and the qualities [n] (float, 0..100) the filter is told.

    Stored as uint8; `sample` gives floats, pixel values - 128.
    """

    original: Tensor
    decoded: Tensor
    quality: Tensor

    @classmethod
    def of_pictures(
        cls, content: str, pictures: list[Tensor], count: int, size: int, rng: np.random.Generator
    ) -> Pairs:
        """Codes random crops of pictures (uint8 [3 h w]) at random qualities."""
        areas = np.array([p.shape[1] * p.shape[2] for p in pictures], dtype=float)
        crops = []
        for index in rng.choice(len(pictures), count, p=areas / areas.sum()):
            top, left = (int(rng.integers(side - size + 1)) for side in pictures[index].shape[1:])
            crops.append(pictures[index][:, top : top + size, left : left + size])
        qualities = rng.integers(LOWEST_QUALITY, HIGHEST_QUALITY + 1, count).tolist()
        coded = code_crops(content, crops, qualities)
        return cls((coded.original + 128).byte(), (coded.decoded + 128).byte(), coded.quality)

    def save(self, path: Path) -> None:
        np.savez(path, **{name: value.numpy() for name, value in vars(self).items()})

    @classmethod
    def load(cls, path: Path) -> Pairs:
        with np.load(path) as arrays:
            return cls(**{name: torch.from_numpy(arrays[name]) for name in arrays})

    def sample(self, size: int, count: int, rng: np.random.Generator) -> Pairs:
        """A batch of crops on the block grid, mirrored at random."""
        originals, decodeds = [], []
        chosen = rng.integers(len(self.original), size=count)
        for index in chosen:
            room = [(side - size) // GRID_PX + 1 for side in self.original.shape[2:]]
            top, left = (int(rng.integers(steps)) * GRID_PX for steps in room)
            mirror = [2] if rng.random() < 0.5 else []
            for source, crops in ((self.original, originals), (self.decoded, decodeds)):
                crop = source[index, :, top : top + size, left : left + size]
                crops.append(crop.flip(mirror))
        original, decoded = (torch.stack(crops).float() - 128 for crops in (originals, decodeds))
        return Pairs(original, decoded, self.quality[chosen])


def code_crops(content: str, crops: Sequence[Tensor], qualities: Sequence[int]) -> Pairs:
    """Codes uint8 [3 h w] pictures of one size, as by all writers in turn.

    Pairs in pixel values - 128.
    """
    decoded, told = [], []
    for number, (crop, quality) in enumerate(zip(crops, qualities, strict=True)):
        pixels = np.ascontiguousarray(crop.permute(1, 2, 0).numpy())
        data, its_quality = write(content, number, pixels, quality)
        decoded.append(torch.from_numpy(STANDARD[content].read(data)))
        told.append(its_quality)
    picture = torch.stack(decoded).permute(0, 3, 1, 2).float() - 128
    return Pairs(torch.stack(list(crops)).float() - 128, picture, torch.tensor(told))
