"""Walks the steps of a scan with the kernel."""

from __future__ import annotations

import numpy as np

from codec.contract.quality import IntegerLevel
from codec.decoding.engines.objects import KernelScan
from codec.decoding.engines.scanning import Instructions, ScanProgram, SliceSteps
from codec.decoding.engines.threads import Bands
from codec.networks.integers import Scales
from codec.networks.order import PAIRS, Exchange, Grid, Latents, Slot


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
        self._scan = KernelScan(program.program, grid.height, grid.width)

    def run(self, exchange: Exchange) -> None:
        """All steps; what one does with its prediction is `exchange`."""
        for group in self._program.groups:
            for instructions in group.once:
                self._everywhere(instructions)
            for number, phases in enumerate(PAIRS):
                whole = Slot(0, 0, phases)
                self._at_phases(whole, group.enter, blank=number == 0)
                for part in group.slices:
                    self._slot(Slot(part.start, part.stop, phases), part, exchange)
                if number + 1 < len(PAIRS):
                    self._at_phases(whole, group.leave)

    def _slot(self, slot: Slot, part: SliceSteps, exchange: Exchange) -> None:
        count = sum(self._grid.counts(slot))
        means, steps = np.empty((2, count), np.int64)
        tables = np.empty(count, np.uint16)
        self._job.use(means, tables, None, steps)
        self._at_phases(slot, part.predict)
        symbols = np.ascontiguousarray(exchange(slot, means, steps, tables), np.int32)
        self._job.use(means, tables, symbols, steps)
        self._at_phases(slot, part.settle)

    def _everywhere(self, instructions: Instructions) -> None:
        """Runs instructions on all rows of the grid."""
        rows = self._grid.height
        self._bands.run(
            lambda first, last: self._scan.run(self._job, instructions, (first, last)), rows, rows
        )

    def _at_phases(self, slot: Slot, instructions: Instructions, *, blank: bool = False) -> None:
        """Runs instructions for each phase of a slot.

        Args:
            slot: the slot; without channels, where it is about all of them.
            instructions: what is run.
            blank: whether nothing is known yet of the group.
        """
        places = np.cumsum([0, *self._grid.counts(slot)[:-1]]).tolist()

        def band(first: int, last: int) -> None:
            for phase, place in zip(slot.phases, places, strict=True):
                self._scan.run(
                    self._job, instructions, (first, last), phase=phase, place=place, blank=blank
                )

        rows = self._grid.height // 2
        self._bands.run(band, rows, rows)
