"""What an engine does, and the arrays that go in and out of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bitstream import CdfTables, SymbolCoder
from codec.contract.quality import IntegerLevel
from codec.models.kinds import FilteredModel, LearnedModel, LosslessModel
from codec.networks.integers import FilterLayers, HeadLayers, Scales
from codec.networks.order import Exchange, Grid, Latents
from codec.picture.pixels import Halves, Pixels

Settle = Callable[[int, int, NDArray[np.int64], NDArray[np.uint16]], NDArray[np.int32]]
"""(pass, channel, prediction and table of each pixel) -> errors; all flat, in raster order."""
Refine = Callable[[NDArray[np.int16], int, tuple[int, int], int, Settle], NDArray[np.int16]]
"""(a grid of pixels [h w 3], number, rows and columns of the next finer one, channels that are
coded, where errors come from) -> the finer grid.

Raises InvalidField: a decoded value is beyond that of any pixel."""


class Engine(Protocol):
    """Runs the networks of models."""

    name: str

    def scan(
        self,
        model: LearnedModel,
        scales: Scales,
        grid: Grid,
        level: IntegerLevel,
        exchange: Exchange,
    ) -> Latents:
        """Walks all steps of the scan; what a step does with its prediction is `exchange`."""

    def synthesize(self, model: LearnedModel, latents: Latents, level: IntegerLevel) -> Halves:
        """Latents -> the picture before the post-filter."""

    def filter(
        self,
        model: FilteredModel,
        layers: FilterLayers,
        picture: Halves,
        quality: int,
        size: tuple[int, int],
    ) -> Pixels:
        """The filtered picture, cropped to width and height; `quality` is -100..100."""

    def refine(self, model: LosslessModel, heads: HeadLayers) -> Refine:
        """The passes of the lossless mode, with these last layers."""

    def reader(self, data: bytes, tables: CdfTables) -> SymbolCoder:
        """Reads the symbols of a codeword."""
