"""What an engine does, and the arrays that go in and out of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from bitstream import CdfTables, SymbolCoder
from codec.contract.quality import IntegerLevel
from codec.models.kinds import FilteredModel, LearnedModel, LosslessModel
from codec.networks.integers import FilterLayers, HeadLayers, Scales
from codec.networks.order import Exchange, Grid, Latents
from codec.picture.pixels import Halves, Pixels

if TYPE_CHECKING:  # only lossless files need it
    from codec.decoding.lossless.fine_scan import FineScan, Planes
    from codec.networks.lossless.correction import Correction, Traces

Settle = Callable[[int, int, NDArray[np.int32]], NDArray[np.int32]]
"""(pass, channel, `Predictions` of the networks) -> pixel values, of the phase in the grid."""


class Refine(Protocol):
    """The passes of the lossless mode, from one grid to the next finer one."""

    def __call__(
        self,
        known: NDArray[np.int16],
        number: int,
        size: tuple[int, int],
        channels: int,
        settle: Settle,
    ) -> NDArray[np.int16]:
        """The finer grid.

        Args:
            known: a grid of pixels, [h w 3].
            number: of the finer grid.
            size: its rows and columns.
            channels: how many are coded.
            settle: where pixels come from.
        """

    def correct(self, coarser: Traces, size: tuple[int, int]) -> Correction:
        """What corrects the predictions on a grid."""


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


class FineCoder(Protocol):
    """Codes the bits of samples beyond the first eight."""

    def encode(self, scan: FineScan, wanted: Planes) -> bytes:
        """A codeword of the bits [channel h w] of all values."""

    def decode(self, scan: FineScan, codeword: bytes) -> None:
        """Fills in the values of a scan.  Raises Truncated."""
