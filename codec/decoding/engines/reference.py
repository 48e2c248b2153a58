"""The engine in torch: what the kernel is checked against, and what runs where there is none."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bitstream import CdfTables, SymbolCoder, SymbolReader
from codec.contract.quality import IntegerLevel
from codec.decoding.engines.protocol import Settle
from codec.decoding.filtering import Filtering
from codec.errors import ModelError
from codec.models.kinds import FilteredModel, LearnedModel, LosslessModel
from codec.networks import exactness
from codec.networks.context import ContextModel
from codec.networks.fixed_context import IntegerPredicted
from codec.networks.fixed_point import rescale
from codec.networks.integers import FilterLayers, HeadLayers, Scales
from codec.networks.isolation import isolated
from codec.networks.lossless.correction import Correction, Traces
from codec.networks.lossless.corrector import Correctors
from codec.networks.lossless.network import LosslessNetworks
from codec.networks.lossless.scan import PassStep, refine_grid
from codec.networks.lossless.shape import CHANNELS, PHASES, VALUE_BITS
from codec.networks.lossless.twins import predict, with_heads
from codec.networks.order import BLOCK_PX, Exchange, Grid, Latents, Slot
from codec.networks.pictures import from_halves, to_halves
from codec.networks.strips import in_strips
from codec.networks.twins import changed, scaled
from codec.picture.pixels import Halves, Pixels

Networks = TypeVar("Networks", bound=nn.Module, covariant=True)


class TorchEngine:
    """Runs the exact networks of a model in torch."""

    name = "torch"

    @isolated()
    @torch.no_grad()
    def scan(
        self,
        model: LearnedModel,
        scales: Scales,
        grid: Grid,
        level: IntegerLevel,
        exchange: Exchange,
    ) -> Latents:
        """See `codec.decoding.engines.protocol.Engine`."""
        return scan(scaled(proven(model).context, scales), grid, level, exchange)

    @isolated()
    @torch.no_grad()
    def synthesize(self, model: LearnedModel, latents: Latents, level: IntegerLevel) -> Halves:
        """See `codec.decoding.engines.protocol.Engine`."""
        networks = proven(model)

        def strip(part: Tensor) -> Tensor:
            return networks.synthesize(part, level)

        values = torch.from_numpy(latents).permute(2, 0, 1)[None].double()
        return to_halves(in_strips(strip, values, halo=networks.synthesis.halo, scale=BLOCK_PX))

    @isolated()
    @torch.no_grad()
    def filter(
        self,
        model: FilteredModel,
        layers: FilterLayers,
        picture: Halves,
        quality: int,
        size: tuple[int, int],
    ) -> Pixels:
        """See `codec.decoding.engines.protocol.Engine`."""
        postfilter = changed(proven(model).postfilter, layers)
        return Filtering(from_halves(picture), postfilter, quality).pixels(postfilter, *size)

    def refine(self, model: LosslessModel, heads: HeadLayers) -> TorchPasses:
        """See `codec.decoding.engines.protocol.Engine`."""
        return TorchPasses(with_heads(proven(model), heads), model.correctors)

    def reader(self, data: bytes, tables: CdfTables) -> SymbolCoder:
        """See `codec.decoding.engines.protocol.Engine`."""
        return SymbolReader(data, tables)


class Executable(Hashable, Protocol[Networks]):
    """A model, with its networks in torch."""

    @property
    def networks(self) -> Networks:
        """They are exact, if this machine is."""


def proven(model: Executable[Networks]) -> Networks:
    """The exact networks of a model, once it is proven that this machine computes them exactly.

    Raises:
        ModelError: it does not.
    """
    _prove(model, exactness.settings())
    return model.networks


@lru_cache
def _prove(model: Executable[nn.Module], _settings: Hashable) -> None:
    """Tries a layer of each class, once for what selects its kernels."""
    try:
        exactness.prove(model.networks)
    except exactness.InexactError as error:
        raise ModelError(
            f"this machine does not compute the networks exactly (layer {error}), so that pictures "
            "would have other pixels: its convolutions must have the full precision of float32"
        ) from error


def scan(context: ContextModel, grid: Grid, level: IntegerLevel, exchange: Exchange) -> Latents:
    """Walks all steps of the scan with the exact networks of a context model."""

    def code(slot: Slot, predicted: IntegerPredicted) -> Tensor:
        def flat(values: Tensor) -> Tensor:
            parts = zip(values, map(grid.inside, slot.phases), strict=True)
            return torch.cat(
                [part[:, :rows, :columns].flatten() for part, (rows, columns) in parts]
            )

        mean, step = flat(predicted.mean), flat(predicted.step)
        tables = flat(predicted.table).numpy().astype(np.uint16)
        symbols = exchange(slot, mean.long().numpy(), step.long().numpy(), tables)
        mean.addcmul_(torch.from_numpy(symbols), step)
        values, sizes = torch.zeros_like(predicted.mean), grid.counts(slot)
        for part, found, phase in zip(values, torch.split(mean, sizes), slot.phases, strict=True):
            rows, columns = grid.inside(phase)
            part[:, :rows, :columns] = found.view(len(part), rows, columns)
        return values

    shape = (1, context.channels, grid.height, grid.width)
    values = context.scan(torch.zeros(1, dtype=torch.float64).expand(shape), level, code)
    return np.ascontiguousarray(values[0].permute(1, 2, 0).long().numpy())


class TorchPasses:
    """The passes of the lossless mode; see `codec.decoding.engines.protocol.Refine`."""

    def __init__(self, networks: LosslessNetworks, correctors: Correctors) -> None:
        self._networks, self._correctors = networks, correctors

    @isolated()
    @torch.no_grad()
    def __call__(
        self,
        known: NDArray[np.int16],
        number: int,
        size: tuple[int, int],
        channels: int,
        settle: Settle,
    ) -> NDArray[np.int16]:
        """From one grid to the next finer one."""
        height, width, _ = known.shape
        a = torch.from_numpy(known).permute(2, 0, 1)[None].float()

        def code(step: PassStep) -> Tensor:
            if step.channel >= channels:
                return torch.zeros_like(step.base)
            row, column = PHASES[step.index]
            rows, columns = (size[0] - row + 1) // 2, (size[1] - column + 1) // 2
            head = self._networks.passes[step.index].heads[step.channel]
            said = predict(head, step)[0].permute(1, 2, 0).to(torch.int32)
            got = settle(step.index, step.channel, np.ascontiguousarray(said.numpy()))
            # Positions outside of the grid are what they are expected to be.
            settled = rescale(step.base, VALUE_BITS)
            settled[0, 0, :rows, :columns] = torch.from_numpy(got).float()
            return settled * 2.0**VALUE_BITS

        parts = refine_grid(a * 2.0**VALUE_BITS, self._networks, number, code)
        finer = np.empty((2 * height, 2 * width, CHANNELS), np.int16)
        finer[::2, ::2] = known
        for (row, column), part in zip(PHASES, parts, strict=True):
            pixels = (part[0] * 2.0**-VALUE_BITS).short().permute(1, 2, 0)
            finer[row::2, column::2] = pixels.numpy()
        return np.ascontiguousarray(finer[: size[0], : size[1]])

    def correct(self, coarser: Traces, size: tuple[int, int]) -> Correction:
        """See `codec.decoding.engines.protocol.Refine`."""
        loudness = self._networks.get_buffer("loudness.table").to(torch.int16)
        return Correction(coarser, size, loudness.numpy(), self._correctors)
