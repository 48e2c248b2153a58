"""Pictures with their coded content, kept on disk: what comparisons of weight updates start from.

Coding the content takes longer than most updates, and it is the same for all of them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from bitstream import Container, Header, Tag
from codec.contract.effort import effort_at
from codec.contract.modes import Lossy
from codec.contract.options import EncodeOptions
from codec.contract.quality import centred
from codec.encoding.contents.registry import encoder_of
from codec.encoding.start import make_task
from codec.encoding.task import Content, EncodeTask
from codec.networks.pictures import to_pixels
from codec.picture import reading
from codec.picture.pixels import Pixels, psnr_db

LARGEST_SIDE = 512
"""Pictures are cropped to this, from their centre."""
SLOPE_SPAN = 3.0
"""The slope of the content's own rate-distortion curve is taken between quality +- this."""


@dataclass(frozen=True)
class Point:
    """A real file of the content alone: its bytes, and the PSNR that the base filter gives."""

    bytes: int
    psnr_db: float


@dataclass(frozen=True)
class Coded:
    """A picture with its content.

    Attributes:
        name: of the picture.
        task: the picture and what it is to be coded with.
        content: coded.
        points: files without update at the quality, and a span below and above it.
    """

    name: str
    task: EncodeTask
    content: Content
    points: tuple[Point, Point, Point]

    @property
    def base(self) -> Point:
        return self.points[1]

    @cached_property
    def octaves_per_db(self) -> float:
        """Doublings of the content's rate that a dB costs around this quality."""
        low, _, high = self.points
        return float(np.log2(high.bytes / low.bytes) / (high.psnr_db - low.psnr_db))

    def rate_change(self, size: int, psnr: float) -> float:
        """Rate of a file against the content's own curve at that PSNR: -0.01 is 1 % less."""
        expected = self.base.bytes * 2 ** (self.octaves_per_db * (psnr - self.base.psnr_db))
        return size / expected - 1

    def file(self, update: bytes) -> bytes:
        """The whole file, with an UPDATE payload or none."""
        chunks = {Tag.CONTENT: self.content.payload} | ({Tag.UPDATE: update} if update else {})
        height, width = self.task.pixels.shape[:2]
        return Container(Header(width, height, self.task.half, self.task.model.id), chunks).pack()


def load_picture(path: Path) -> Pixels:
    """The middle of a picture, no more than LARGEST_SIDE wide and high."""
    with path.open("rb") as file:
        pixels = reading.load_pixels(file)
    top, left = (max(0, (side - LARGEST_SIDE) // 2) for side in pixels.shape[:2])
    return np.ascontiguousarray(pixels[top : top + LARGEST_SIDE, left : left + LARGEST_SIDE])


def coded(path: Path, content: str, quality: float, cache: Path) -> Coded:
    """A picture coded at a quality, from the cache if it is there."""
    mode = Lossy(quality, content=content)
    task = make_task(load_picture(path), EncodeOptions(mode, effort=1), mode, _silent)
    found = _content(task, cache)
    points = tuple(
        _point(_at(task, quality + offset), cache) for offset in (-SLOPE_SPAN, 0, SLOPE_SPAN)
    )
    return Coded(path.stem, task, found, points)


def _at(task: EncodeTask, quality: float) -> EncodeTask:
    return replace(task, half=round(2 * quality))


def _content(task: EncodeTask, cache: Path) -> Content:
    """Content of effort 0: nothing of its search matters to what is compared."""
    digest = hashlib.sha256(task.pixels.tobytes() + task.model.id + bytes([task.half])).hexdigest()
    path = cache / f"{digest[:24]}.pt"
    if not path.exists():
        # Without a technique the prior is not updated either.
        found = encoder_of(replace(task, effort=effort_at(0), technique=None)).encode()
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save((found.payload, found.unfiltered.short(), found.weight), path)
    payload, unfiltered, weight = torch.load(path, weights_only=True)
    return Content(payload, unfiltered.float(), weight)


@torch.no_grad()
def _point(task: EncodeTask, cache: Path) -> Point:
    found = _content(task, cache)
    filtered = task.model.postfilter(found.unfiltered, centred(task.half))
    height, width = task.pixels.shape[:2]
    size = len(Coded("", task, found, ()).file(b""))
    return Point(size, psnr_db(to_pixels(filtered, width, height), task.pixels))


def _silent(_stage: str, _fraction: float) -> None:
    """A progress callback that shows nothing."""
