"""Walks the steps of a scan with the kernel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codec.contract.quality import IntegerLevel
from codec.decoding.engines.objects import Scan
from codec.decoding.engines.scanning import Instructions, ScanProgram
from codec.decoding.engines.threads import Bands
from codec.decoding.latents import Exchange, Grid, Latents
from codec.networks.integers import Scales
from codec.networks.order import Slot, slots


class Walk:
    """The scan of one picture.

    Args:
        program: of the context model.
        latents: [h w c] on the whole grid, 0; they are filled.
        grid: of the picture.
        level: the quality.
        scales: of the latents.
        bands: runs bands of rows.
    """

    def __init__(
        self,
        program: ScanProgram,
        latents: Latents,
        grid: Grid,
        level: IntegerLevel,
        scales: Scales,
        bands: Bands,
    ) -> None:
        self._program, self._grid, self._bands = program, grid, bands
        self._job = program.job(latents, (grid.columns, grid.rows), level, scales)
        self._scan = Scan(program.program, grid.height, grid.width)

    def run(self, groups: tuple[int, ...], exchange: Exchange) -> None:
        """All steps, given the channels of each group."""
        entered = -1
        for slot in slots(groups):
            steps, blank = self._program.groups[slot.start], entered != slot.start
            for instructions in steps.once if blank else ():
                self._everywhere(instructions)
            entered = slot.start
            count = sum(self._grid.counts(slot))
            means, tables = np.empty(count, np.int64), np.empty(count, np.uint16)
            self._at_phases(slot, steps.predict, (means, tables, None), blank=blank)
            symbols = np.ascontiguousarray(exchange(slot, means, tables), np.int32)
            self._at_phases(slot, steps.settle, (means, tables, symbols))

    def _everywhere(self, instructions: Instructions) -> None:
        """Runs instructions on all rows of the grid."""
        rows = self._grid.height
        self._bands.run(
            lambda first, last: self._scan.run(self._job, instructions, (first, last)), rows, rows
        )

    def _at_phases(
        self,
        slot: Slot,
        instructions: Instructions,
        arrays: tuple[NDArray[np.int64], NDArray[np.uint16], NDArray[np.int32] | None],
        *,
        blank: bool = False,
    ) -> None:
        """Runs instructions for each phase of a step.

        Args:
            slot: the step.
            instructions: those before or after its symbols are coded.
            arrays: means, tables and symbols of the step.
            blank: whether nothing is known yet of the group.
        """
        self._job.use(*arrays)
        places = np.cumsum([0, *self._grid.counts(slot)[:-1]]).tolist()

        def band(first: int, last: int) -> None:
            for phase, place in zip(slot.phases, places, strict=True):
                self._scan.run(
                    self._job, instructions, (first, last), phase=phase, place=place, blank=blank
                )

        rows = self._grid.height // 2
        self._bands.run(band, rows, rows)
