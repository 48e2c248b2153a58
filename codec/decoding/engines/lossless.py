"""Runs the passes of the lossless mode with the kernel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from codec.decoding.engines.correcting import KernelCorrection, KernelCorrector
from codec.decoding.engines.passes import SAID, Named, NamedProgram, PassBuilder, PassPrograms
from codec.decoding.engines.protocol import Settle
from codec.decoding.engines.threads import STRIP_PX, Bands
from codec.models.kinds import LosslessModel
from codec.networks.integers import HeadLayers
from codec.networks.lossless.correction import Traces
from codec.networks.lossless.shape import CHANNELS, CLASSES, PHASES

NOTHING = np.zeros(0, np.int64)
StepArrays = tuple[NDArray[np.int64], NDArray[np.uint16] | None, NDArray[np.int32] | None]
"""Means, tables and symbols of a step."""


class KernelPasses:
    """The passes with the last layers of one picture; see `codec.decoding.engines.protocol.Refine`.

    Args:
        level: name of an instruction set.
        model: all but its last layers is used.
        heads: last layers by the names of their heads.
        bands: makes what runs bands of rows.
    """

    def __init__(
        self,
        level: str,
        model: LosslessModel,
        heads: HeadLayers,
        bands: Callable[[], Bands],
    ) -> None:
        changed = {f"{name}.leave": layer for name, layer in heads.items()}
        self._passes = [
            PassBuilder(level, model.arrays, number, model.config.blocks, changed).all()
            for number in range(len(PHASES))
        ]
        self._logs = np.ascontiguousarray(model.arrays["loudness.table"], np.int16)
        self._networks = {
            case: KernelCorrector.of(level, found) for case, found in model.correctors.items()
        }
        self._bands = bands

    def __call__(
        self,
        known: NDArray[np.int16],
        number: int,
        size: tuple[int, int],
        channels: int,
        settle: Settle,
    ) -> NDArray[np.int16]:
        """From one grid to the next finer one."""
        rows, columns, _ = known.shape
        finer = np.empty((2 * rows, 2 * columns, CHANNELS), np.int16)
        finer[::2, ::2] = known
        arrays: Named = {"phase_0": np.ascontiguousarray(known)}
        with self._bands() as bands:
            for index, (programs, (row, column)) in enumerate(
                zip(self._passes, PHASES, strict=True)
            ):
                inside = (size[0] - row + 1) // 2, (size[1] - column + 1) // 2
                one = _Pass(programs, arrays, inside, min(number, CLASSES - 1), self._logs, bands)
                one.run(index, channels, settle)
                finer[row::2, column::2] = arrays[f"phase_{index + 1}"]
        return np.ascontiguousarray(finer[: size[0], : size[1]])

    def correct(self, coarser: Traces, size: tuple[int, int]) -> KernelCorrection:
        """See `codec.decoding.engines.protocol.Refine`."""
        return KernelCorrection(coarser, size, self._logs, self._networks)


class _Pass:
    """One pass on one grid; fills `phase_n` and `error_n` of the arrays."""

    def __init__(
        self,
        programs: PassPrograms,
        arrays: Named,
        inside: tuple[int, int],
        grid: int,
        logs: NDArray[np.int16],
        bands: Bands,
    ) -> None:
        self._programs, self._arrays, self._inside, self._grid = programs, arrays, inside, grid
        self._logs, self._bands = logs, bands

    def run(self, index: int, channels: int, settle: Settle) -> None:
        programs, arrays = self._programs, self._arrays
        shape = arrays["phase_0"].shape
        arrays["base"] = np.empty(shape, np.int32)
        arrays["hidden"] = np.empty((*shape[:2], programs.hidden_channels), np.int16)
        arrays["error"] = np.zeros(shape, np.int32)
        arrays[f"phase_{index + 1}"] = np.empty(shape, np.int16)
        self._run(programs.linear[self._grid])
        self._run(programs.hidden, programs.grid[self._grid])
        for channel in range(CHANNELS):
            arrays[f"own_{channel}"] = np.empty((*shape[:2], 1), np.int32)
            self._run(programs.own[self._grid][channel])
            if channel >= channels:
                self._run(programs.settle_grey[channel])
                continue
            arrays["said"] = np.empty((*shape[:2], SAID), np.int32)
            self._run(programs.heads[channel])
            pixels = np.ascontiguousarray(settle(index, channel, arrays["said"]), np.int32)
            self._run(programs.settle[channel], pixels=pixels)
        arrays[f"error_{index + 1}"] = arrays.pop("error")

    def _run(
        self,
        part: NamedProgram,
        constants: NDArray[np.int64] = NOTHING,
        pixels: NDArray[np.int32] | None = None,
    ) -> None:
        base, inside = self._arrays["phase_0"].shape[:2], self._inside
        job = part.job(base, (inside[1], inside[0]), self._arrays, constants, self._logs)
        job.use(None, None, pixels)
        self._bands.run(
            lambda first, last: part.program.run(job, first, last),
            base[0],
            STRIP_PX // (4 * base[1]),
        )
