"""Corrects the predictions of lossless pixels with the kernel (FORMAT.md, section 14.7)."""

from __future__ import annotations

from collections.abc import Mapping
from ctypes import Array, byref, c_int32
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.decoding.engines.library import CorrectionStruct, load_kernel, pointer, raise_for
from codec.networks.lossless.correction import Correction, Expected, Predictions, Traces
from codec.networks.lossless.corrector import OUTPUTS, STEPS, Case, Corrector
from codec.networks.lossless.shape import PHASES

Network = tuple[Array[c_int32], int | None, int | None]
"""Shifts of the two layers, and where their weights and biases are."""
Numbers = tuple[Array[c_int32], NDArray[np.int16], NDArray[np.int32]]
"""The same with the arrays themselves."""
NO_NETWORK: Network = (c_int32 * 2)(), None, None


def numbers_of(corrector: Corrector) -> Numbers:
    """Shifts, weights and biases of a network, one layer after the other."""
    layers = corrector.enter, corrector.leave
    weights = np.concatenate([layer.weight.ravel() for layer in layers]).astype(np.int16)
    bias = np.concatenate([layer.bias for layer in layers]).astype(np.int32)
    return (c_int32 * 2)(*(layer.shift for layer in layers)), weights, bias


class KernelCorrection(Correction):
    """The stage on one grid; its networks as `numbers_of` gives them."""

    def __init__(
        self,
        coarser: Traces,
        size: tuple[int, int],
        loudness: NDArray[np.int16],
        networks: Mapping[Case, Numbers],
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
        shifts, weights, bias = self._networks[step]
        network = shifts, pointer(weights), pointer(bias)
        self._stage.call(name, numbers, network, *arguments, *arrays)
