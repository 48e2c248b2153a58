"""The engine that is a compiled kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from bitstream import CdfTables, InvalidField, SymbolCoder
from bitstream.coding.codeword import check_end
from codec.contract.quality import IntegerLevel
from codec.decoding.engines import library
from codec.decoding.engines.filtering import FilterProgram
from codec.decoding.engines.library import CodewordError, CutShortError
from codec.decoding.engines.objects import CodewordReader, Tables
from codec.decoding.engines.protocol import Refine
from codec.decoding.engines.scanning import ScanProgram
from codec.decoding.engines.synthesis import SynthesisProgram
from codec.decoding.engines.threads import STRIP_PX, Bands, available_threads
from codec.decoding.engines.walk import Walk
from codec.models.kinds import FilteredModel, LearnedModel, LosslessModel
from codec.networks.integers import FilterLayers, HeadLayers, Scales
from codec.networks.order import Exchange, Grid, Latents
from codec.picture.pixels import Halves, Pixels

Kept = TypeVar("Kept")


class KernelReader:
    """Reads the symbols of one codeword, like `bitstream.SymbolReader`."""

    def __init__(self, data: bytes, tables: Tables) -> None:
        self._reader = CodewordReader(data, tables)

    def code(self, values: NDArray[np.int32], table: NDArray[np.integer]) -> NDArray[np.int32]:
        """Returns as many values as `values` has.  Raises InvalidField, Truncated."""
        try:
            return self._reader.code(table.astype(np.uint16)).reshape(values.shape)
        except CodewordError as error:
            raise InvalidField(str(error)) from error
        except CutShortError:
            check_end(self._reader.read, self._reader.size)
            raise


class KernelEngine:
    """The kernel, with the programs of the models that it has run.

    Args:
        level: name of an instruction set; the fastest that runs here if empty.
        threads: how many; 0 for `available_threads`.

    Raises:
        OSError: there is no kernel, or not for this machine.
        KernelError: the instruction set does not run here.
    """

    def __init__(self, level: str = "", threads: int = 0) -> None:
        self._level, self._threads = level or library.best_level(), threads
        self.name = f"kernel ({self._level})"
        self._made: WeakKeyDictionary[object, dict[str, Any]] = WeakKeyDictionary()

    def scan(
        self,
        model: LearnedModel,
        scales: Scales,
        grid: Grid,
        level: IntegerLevel,
        exchange: Exchange,
    ) -> Latents:
        """See `Engine`."""
        slices = model.config.slices
        program = self._once(
            model,
            "scan",
            lambda: ScanProgram(self._level, model.arrays, slices, len(model.tables.frequencies)),
        )
        latents = np.zeros((grid.height, grid.width, program.channels), np.int64)
        with self._bands() as bands:
            Walk(program, latents, grid, level, scales, bands).run(exchange)
        return latents

    def synthesize(self, model: LearnedModel, latents: Latents, level: IntegerLevel) -> Halves:
        """See `Engine`."""
        blocks = model.config.synthesis_blocks
        program = self._once(
            model, "synthesis", lambda: SynthesisProgram(self._level, model.arrays, blocks)
        )
        picture = program.blank(latents)
        job = program.job(latents, level.quality, picture)
        rows, columns, _ = latents.shape
        with self._bands() as bands:
            bands.run(
                lambda first, last: program.program.run(job, first, last),
                rows,
                STRIP_PX // (256 * columns),
            )
        return picture

    def filter(
        self,
        model: FilteredModel,
        layers: FilterLayers,
        picture: Halves,
        quality: int,
        size: tuple[int, int],
    ) -> Pixels:
        """See `Engine`."""
        config = model.filter_config

        def make() -> FilterProgram:
            return FilterProgram(self._level, model.arrays, config.widths, config.blocks, layers)

        program = self._once(model, "filter", make) if layers is model.filter_layers else make()
        width, height = size
        pixels = np.empty((height, width, 3), np.uint8)
        job = program.job(picture, quality, pixels)
        with self._bands() as bands:
            bands.run(
                lambda first, last: program.program.run(job, first, last),
                -(-height // 2),
                STRIP_PX // (4 * picture.shape[1]),
            )
        return pixels

    def refine(self, model: LosslessModel, heads: HeadLayers) -> Refine:
        """See `Engine`."""
        from codec.decoding.engines.lossless import KernelPasses

        return KernelPasses(self._level, model, heads, self._bands)

    def reader(self, data: bytes, tables: CdfTables) -> SymbolCoder:
        """See `Engine`."""
        return KernelReader(data, self._once(tables, "tables", lambda: Tables(tables.frequencies)))

    def _bands(self) -> Bands:
        return Bands(self._threads or available_threads())

    def _once(self, owner: object, name: str, make: Callable[[], Kept]) -> Kept:
        """What belongs to a model or its tables, made at first use."""
        made = self._made.setdefault(owner, {})
        if name not in made:
            made[name] = make()
        found: Kept = made[name]
        return found
