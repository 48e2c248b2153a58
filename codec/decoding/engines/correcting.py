"""Corrects the predictions of lossless pixels with the kernel (FORMAT.md, section 14.7)."""

from __future__ import annotations

from collections.abc import Mapping
from ctypes import byref
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.decoding.engines.library import CorrectionStruct, load_kernel, pointer, raise_for
from codec.decoding.engines.objects import Layer
from codec.networks.lossless.correction import Correction, Expected, Predictions, Traces
from codec.networks.lossless.corrector import OUTPUTS, STEPS, Case, Corrector
from codec.networks.lossless.shape import PHASES

SUM_BITS = 30
"""What outputs need at most, since sums are below 2^31 and halved at least."""
Network = tuple[int | None, int | None]
"""The two layers of a network in the kernel."""
NO_NETWORK: Network = None, None


@dataclass(frozen=True, eq=False)
class KernelCorrector:
    """A network with what owns its layers, see `codec.networks.lossless.corrector.Corrector`."""

    enter: Layer
    leave: Layer

    @classmethod
    def of(cls, level: str, corrector: Corrector) -> KernelCorrector:
        """That of a model, for an instruction set."""
        layers = (
            Layer(
                level,
                layer.weight,
                layer.bias,
                shift=layer.shift,
                limit=layer.limit,
                activate=layer is corrector.enter,
                bits=SUM_BITS,
            )
            for layer in (corrector.enter, corrector.leave)
        )
        return cls(*layers)


class KernelCorrection(Correction):
    """The stage on one grid, with the networks of the kernel."""

    def __init__(
        self,
        coarser: Traces,
        size: tuple[int, int],
        loudness: NDArray[np.int16],
        networks: Mapping[Case, KernelCorrector],
    ) -> None:
        self.networks = networks
        super().__init__(coarser, size, loudness, {})

    def begin(self) -> None:
        """See `Correction`."""
        for channel, sums in enumerate(self.sums):
            self.call("begin", (0, 0, 0, 0, channel, 0), NO_NETWORK, None, sums)

    def channel(self, index: int, channel: int, predictions: Predictions) -> KernelSteps:
        """See `Correction`."""
        return KernelSteps(self, index, channel, np.ascontiguousarray(predictions))

    def call(
        self,
        name: str,
        numbers: tuple[int, ...],
        network: Network,
        said: Predictions | None,
        sums: NDArray[np.int32],
        pixels: NDArray[np.int32] | None = None,
        *arrays: NDArray[Any],
    ) -> None:
        """Calls a function of the kernel on a channel; the numbers from the phase on."""
        before = pointer(said), pointer(sums), pointer(self.traces)
        after = pointer(self.loudness), pointer(pixels)
        rows, columns = sums.shape[:2]
        struct = CorrectionStruct(rows, columns, *numbers, *network, *before, *after)
        raise_for(getattr(load_kernel(), f"nnc_{name}")(byref(struct), *map(pointer, arrays)))


class KernelSteps:
    """See `codec.networks.lossless.correction.Steps`."""

    def __init__(
        self, stage: KernelCorrection, index: int, channel: int, predictions: Predictions
    ) -> None:
        rows, columns = stage.inside(index)
        self.pixels = np.zeros((rows, columns), np.int32)
        odd = rows // 2 * (columns // 2)
        even = -(-rows // 2) * -(-columns // 2)
        self._counts = even, odd, rows * columns - even - odd
        self._stage, self._said, self._sums = stage, predictions, stage.sums[channel]
        self._numbers = *PHASES[index], rows, columns, channel
        self._networks = [stage.networks[index, channel, step] for step in range(STEPS)]

    def expect(self, step: int) -> Expected:
        """See `Steps`."""
        count = self._counts[step]
        said, whole = np.empty((count, OUTPUTS), np.int32), np.empty(count, np.int32)
        expected = Expected(said, whole, np.empty(count, np.uint16))
        self._call("expect", step, said, whole, expected.table)
        return expected

    def learn(self, step: int, found: NDArray[np.int32]) -> None:
        """See `Steps`."""
        self._call("learn", step, np.ascontiguousarray(found, np.int32))

    def _call(self, name: str, step: int, *arrays: NDArray[Any]) -> None:
        numbers, arguments = (*self._numbers, step), (self._said, self._sums, self.pixels)
        layers = self._networks[step]
        network = layers.enter.handle, layers.leave.handle
        self._stage.call(name, numbers, network, *arguments, *arrays)
