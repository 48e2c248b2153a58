"""The parts that conformance vectors are made of: fields, chunks, contents and updates."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bitstream import FORMAT_VERSION, MAGIC, SymbolWriter, Tag
from bitstream.update.levels import UpdatePayload
from bitstream.update.methods import Method
from bitstream.update.subspace import SubspacePayload
from codec.contract.quality import level_at
from codec.decoding import update
from codec.decoding.engines.choice import chosen
from codec.decoding.parameters import PARAMETERS
from codec.encoding.contents.latents import encode_latents
from codec.models.kinds import ReleasedModel
from codec.networks.integers import Scales
from codec.networks.order import BLOCK_PX, Exchange, Grid, Latents, Slot
from codec.networks.pictures import pad_to

WIDTH, HEIGHT, HALF = 20, 18, 75
"""Size and quality of a vector whose rule is about something else."""

Levels = NDArray[np.int32]


@dataclass(frozen=True)
class Case:
    """A vector to write; `error` is the class that refuses it, None if it is valid."""

    id: str
    purpose: str
    data: bytes
    error: str | None = None


def chunk(tag: int, payload: bytes) -> bytes:
    return bytes([tag]) + varint(len(payload)) + payload


def varint(value: int) -> bytes:
    digits = [value >> shift & 0x7F for shift in range(0, max(value.bit_length(), 1), 7)]
    return bytes([digit | 0x80 for digit in digits[:-1]] + digits[-1:])


def sealed(body: bytes) -> bytes:
    """A file whose magic, version and checksum are right, whatever lies between them."""
    framed = MAGIC + bytes([FORMAT_VERSION]) + body
    return framed + zlib.crc32(framed).to_bytes(4, "little")


class Maker:
    """Makes files for one model; the rules of the format are the caller's business."""

    def __init__(self, model: ReleasedModel) -> None:
        self.model = model
        self.analysis = model.search().analysis

    def header(self, width: int = WIDTH, height: int = HEIGHT, half: int = HALF) -> bytes:
        return varint(width) + varint(height) + bytes([half]) + self.model.id

    def picture(self, width: int, height: int, half: int = HALF, payload: bytes = b"") -> bytes:
        """A whole file, with an UPDATE chunk if there is a payload."""
        chunks = chunk(Tag.UPDATE, payload) if payload else b""
        chunks += chunk(Tag.CONTENT, self.content(width, height, half))
        return sealed(self.header(width, height, half) + chunks)

    # Contents

    def content(self, width: int = WIDTH, height: int = HEIGHT, half: int = HALF) -> bytes:
        """CONTENT payload of a smooth picture with a few edges."""
        y, x = np.mgrid[:height, :width]
        boxes = 80 * ((x // 11 + y // 7) % 2)
        pixels = np.stack([(3 * x + y) % 256, (x + 2 * y) % 256, (5 * y) % 256]) // 2 + boxes
        picture = torch.from_numpy(pixels)[None].float() - 128
        grid = Grid.of_picture(width, height)
        padded = pad_to(picture, grid.height * BLOCK_PX, grid.width * BLOCK_PX)
        with torch.no_grad():
            y = self.analysis(padded, level_at(torch.tensor([half / 2])).quality)
        scan, level = self.scan(width, height, half), self.model.level(half)
        grid = Grid.of_picture(width, height)
        return encode_latents(y, scan, level, grid, self.model.tables).payload

    def scan(self, width: int, height: int, half: int) -> Callable[[Exchange], Latents]:
        """Walks the steps of a picture's scan."""
        model, grid = self.model, Grid.of_picture(width, height)
        level, scales = model.level(half), Scales.plain(model.config.channels)
        return lambda exchange: chosen().scan(model, scales, grid, level, exchange)

    def large_content(self, symbol: float) -> bytes:
        """CONTENT payload whose symbols are +-`symbol`."""
        writer = SymbolWriter(self.model.tables)

        def exchange(
            slot: Slot, means: NDArray, steps: NDArray, tables: NDArray[np.uint16]
        ) -> NDArray[np.int32]:
            signs = 1 - 2 * (np.arange(tables.size) % 2)
            return writer.code((signs * symbol).astype(np.int32), tables)

        self.scan(WIDTH, HEIGHT, HALF)(exchange)
        return writer.finish()

    # Updates in the subspace

    def subspace(
        self, step: int, spread: int, levels: Levels, method: Method = Method.SUBSPACE
    ) -> bytes:
        """UPDATE payload."""
        return update.pack(method, SubspacePayload(step, spread, levels), self.model)

    def subspace_levels(self, share: float, largest: int, seed: int) -> Levels:
        """Random levels, a `share` of them not zero."""
        return _random_levels(self.model.subspace.scales.shape, share, largest, seed)

    # Updates in tensors of levels

    def tensors(
        self, shifts: tuple[int, ...], levels: tuple[Levels, ...], method: Method = Method.KERNELS
    ) -> bytes:
        """UPDATE payload."""
        return update.pack(method, UpdatePayload(shifts, levels), self.model)

    def tensor_levels(
        self, share: float, largest: int, seed: int, method: Method = Method.KERNELS
    ) -> tuple[Levels, ...]:
        """Random levels of each tensor, a `share` of them not zero."""
        return tuple(
            _random_levels((tensor.rows, tensor.columns), share, largest, 100 * seed + index)
            for index, tensor in enumerate(PARAMETERS[method].layout(self.model.filter_layers))
        )

    def single_levels(self, level: int) -> tuple[Levels, ...]:
        """The first weight and the first bias change by `level`, nothing else.

        The sign is that which takes the weight towards 0: it has to fit 16 bits afterwards.
        """
        towards_zero = -1 if self.model.postfilter.enter.weight[0, 0, 0, 0] > 0 else 1
        levels = self.tensor_levels(0, 1, seed=0)
        levels[0][0, 0] = levels[1][0, 0] = towards_zero * level
        return levels


def _random_levels(shape: tuple[int, ...], share: float, largest: int, seed: int) -> Levels:
    rng = np.random.default_rng(seed)
    levels = rng.integers(-largest, largest, shape, endpoint=True)
    return (levels * (rng.random(shape) < share)).astype(np.int32)
