"""The passes of the lossless mode as programs of the kernel (FORMAT.md, section 14.3).

All arrays are on the grid of phase A: phases int16 [row column 3] in pixel values; bases, what is
expected of each channel (`own`) and errors int32 in 1/32 of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.decoding.engines.library import ExactRangeError
from codec.decoding.engines.objects import KernelJob, Program
from codec.decoding.engines.programs import (
    ADD,
    EDGES,
    PREDICT_PIXELS,
    SETTLE_PIXELS,
    Builder,
)
from codec.networks.integers import Arrays, IntegerLayer

CHANNELS, CLASSES = 3, 4
CANDIDATES, OUTPUTS = 4, 3
SAID = 4
"""Numbers of a prediction, see `codec.networks.lossless.correction`."""
VALUE_BITS = 5
LINEAR_SHIFT, LINEAR_LIMIT = 9, 256
ACROSS_SHIFT, ACROSS_LIMIT = 14, 2**14
BOUND = 4096
CENTRE = (4096, 0, 0)
LARGEST = 2**15 - 1

Named = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class NamedProgram:
    """A program, and what its external registers are called."""

    program: Program
    registers: Mapping[str, int]

    def job(
        self,
        base: tuple[int, int],
        kept: tuple[int, int],
        arrays: Named,
        constants: NDArray[np.int64],
        logs: NDArray[np.int16],
    ) -> KernelJob:
        """The work on arrays by name."""
        external = {register: arrays[name] for name, register in self.registers.items()}
        return KernelJob(self.program, base, kept, external, constants, logs)


@dataclass(frozen=True)
class PassPrograms:
    """A pass.

    Attributes:
        linear: phases -> base, for each class of grids.
        own: base and errors -> what is expected of a channel, for each class and channel.
        hidden: phases, errors and base -> hidden state.
        heads: hidden state -> what the networks say, for each channel.
        settle: pixels -> phases and errors, for each channel; without pixels for a grey picture.
        grid: vector of each class, int64 [4 hidden], the constants of `hidden`.
    """

    linear: tuple[NamedProgram, ...]
    own: tuple[tuple[NamedProgram, ...], ...]
    hidden: NamedProgram
    heads: tuple[NamedProgram, ...]
    settle: tuple[NamedProgram, ...]
    settle_grey: tuple[NamedProgram, ...]
    grid: NDArray[np.int64]

    @property
    def hidden_channels(self) -> int:
        """Channels of the hidden state."""
        return int(self.grid.shape[1]) - CHANNELS


class PassBuilder:
    """Makes the programs of one pass.

    Args:
        level: name of an instruction set.
        arrays: of the model file.
        number: of the pass, 0..2.
        blocks: residual blocks.
        changed: layers by name that an update has changed.

    Raises:
        ExactRangeError: sums can't be proven exact.
    """

    def __init__(
        self,
        level: str,
        arrays: Arrays,
        number: int,
        blocks: int,
        changed: Mapping[str, IntegerLayer],
    ) -> None:
        self._level, self._arrays, self._number = level, arrays, number
        self._name, self._changed, self._blocks = f"passes.{number}", changed, blocks
        self._known = number + 1

    def all(self) -> PassPrograms:
        """All programs of the pass."""
        grid = self._arrays[f"{self._name}.grid"].astype(np.int64)
        if (self._blocks + 1) * BOUND + int(np.abs(grid).max()) > LARGEST:
            raise ExactRangeError("the hidden state of a pass exceeds 16 bits")
        channels, classes = range(CHANNELS), range(CLASSES)
        return PassPrograms(
            tuple(self._linear(index) for index in classes),
            tuple(tuple(self._own(index, channel) for channel in channels) for index in classes),
            self._hidden(),
            tuple(self._head(channel) for channel in channels),
            tuple(self._settle(channel, coded=True) for channel in channels),
            tuple(self._settle(channel, coded=False) for channel in channels),
            # Constants are subtracted by what makes the planes, and added by the entrance.
            np.concatenate([np.tile(CENTRE, (CLASSES, 1)), grid], 1),
        )

    def _layer(self, name: str) -> IntegerLayer:
        full = f"{self._name}.{name}"
        return self._changed.get(full) or IntegerLayer.of_arrays(self._arrays, full)

    def _phases(self, build: Builder, count: int) -> dict[str, int]:
        return {
            name: build.register(16, CHANNELS, external=True)
            for name in ("phase_0", "phase_1", "phase_2")[:count]
        }

    def _linear(self, index: int) -> NamedProgram:
        build = Builder(self._level)
        phases = self._phases(build, self._known)
        weight = self._arrays[f"{self._name}.linear.weight"][index]
        base = build.register(32, CHANNELS, external=True)
        seen = build.register(16, CHANNELS * self._known, pad=weight.shape[-1] // 2)
        for place, phase in enumerate(phases.values()):
            build.map(phase, CHANNELS, narrow=(seen, CHANNELS * place, LINEAR_LIMIT))
        build.other(EDGES, narrow=[(seen, 0, 1)])
        zero = np.zeros(CHANNELS, np.int32)
        build.conv(IntegerLayer(weight, zero, LINEAR_SHIFT, LINEAR_LIMIT), seen, wide=base)
        return NamedProgram(build.program(), phases | {"base": base})

    def _own(self, index: int, channel: int) -> NamedProgram:
        build = Builder(self._level)
        base = build.register(32, CHANNELS, external=True)
        own = build.register(32, 1, external=True)
        names = {"base": base, f"own_{channel}": own}
        if not channel:
            build.map(base, 1, wide=own)
            return NamedProgram(build.program(), names)
        names["error"] = build.register(32, CHANNELS, external=True)
        part = build.register(32, 1)
        seen = build.register(16, channel, pad=1)
        build.map(base, 1, first=channel, wide=part)
        build.map(names["error"], channel, narrow=(seen, 0, ACROSS_LIMIT))
        weight = self._arrays[f"{self._name}.linear.across"][index]
        weight = weight[channel : channel + 1, :channel]
        across = IntegerLayer(weight, np.zeros(1, np.int32), ACROSS_SHIFT, ACROSS_LIMIT)
        build.conv(across, seen, plus=part, wide=own)
        return NamedProgram(build.program(), names)

    def _hidden(self) -> NamedProgram:
        build, enter, known = Builder(self._level), self._layer("enter"), self._known
        names = self._phases(build, known)
        errors = [build.register(32, CHANNELS, external=True) for _ in range(known - 1)]
        names["base"] = base = build.register(32, CHANNELS, external=True)
        hidden = len(enter.weight)
        names["hidden"] = target = build.register(16, hidden, external=True)
        planes = build.register(16, enter.weight.shape[1], pad=1)
        places = iter(range(0, enter.weight.shape[1], CHANNELS))

        def place() -> tuple[int, int, int]:
            return planes, next(places), enter.limit

        px = (VALUE_BITS, VALUE_BITS)
        for number in range(known):
            phase = names[f"phase_{number}"]
            build.map(phase, CHANNELS, shifts=(VALUE_BITS, 0), minus=base, narrow=place())
        for beside in ((0, 1), (1, 0)):
            a = names["phase_0"]
            build.map(a, CHANNELS, beside=beside, shifts=px, minus=a, loud=True, narrow=place())
        build.map(base, CHANNELS, bias=0, narrow=place())
        for number, error in enumerate(errors, 1):
            names[f"error_{number}"] = error
            build.map(error, CHANNELS, loud=True, narrow=place())
        build.other(EDGES, narrow=[(planes, 0, 1)])
        state = build.register(32, hidden)
        seen = build.register(16, hidden, pad=1)
        expanded = build.register(16, hidden, pad=1)
        names_of = [f"blocks.{number}" for number in range(self._blocks)]
        pairs = [(self._layer(f"{n}.expand"), self._layer(f"{n}.reduce")) for n in names_of]
        thens = [(seen, 0, expand.limit) for expand, _ in pairs] + [(target, 0, LARGEST)]
        bias = CHANNELS
        build.conv(
            enter, planes, bound=BOUND, bias=bias, wide=state, narrow=thens[:1], activate=True
        )
        for (expand, reduce), then in zip(pairs, thens[1:], strict=True):
            build.conv(expand, seen, narrow=[(expanded, 0, reduce.limit)], activate=True)
            build.conv(reduce, expanded, bound=BOUND, wide=state, narrow=[then], flags=ADD)
        return NamedProgram(build.program(), names)

    def _head(self, channel: int) -> NamedProgram:
        build = Builder(self._level)
        fuse, leave = (self._layer(f"heads.{channel}.{part}") for part in ("fuse", "leave"))
        names = self._phases(build, min(self._known, 2))
        names["hidden"] = hidden = build.register(16, fuse.weight.shape[1], external=True)
        names[f"own_{channel}"] = own = build.register(32, 1, external=True)
        names["error"] = error = build.register(32, CHANNELS, external=True)
        before = build.register(16, fuse.weight.shape[1])
        after = build.register(16, leave.weight.shape[1])
        raw = build.register(32, OUTPUTS + CANDIDATES + channel)
        if channel:
            sight = self._layer(f"heads.{channel}.seen")
            seen = build.register(16, 2 * channel, pad=1)
            build.map(error, channel, narrow=(seen, 0, sight.limit))
            build.map(error, channel, loud=True, narrow=(seen, channel, sight.limit))
            narrow = [(before, 0, fuse.limit)]
            build.conv(sight, seen, bound=BOUND, plus=hidden, narrow=narrow)
        else:
            build.map(hidden, fuse.weight.shape[1], narrow=(before, 0, fuse.limit))
        build.conv(fuse, before, narrow=[(after, 0, leave.limit)], activate=True)
        build.conv(leave, after, wide=raw)
        names["said"] = said = build.register(32, SAID, external=True)
        phases = [names["phase_0"], names.get("phase_1", 0)]
        parameters = [channel, self._number, own, error, *phases]
        build.other(PREDICT_PIXELS, raw, wide=said, parameters=parameters)
        return NamedProgram(build.program(), names)

    def _settle(self, channel: int, *, coded: bool) -> NamedProgram:
        build = Builder(self._level)
        names = {
            f"own_{channel}": build.register(32, 1, external=True),
            "error": build.register(32, CHANNELS, external=True),
            f"phase_{self._known}": build.register(16, CHANNELS, external=True),
        }
        build.other(SETTLE_PIXELS, parameters=[channel, int(coded), *names.values()])
        return NamedProgram(build.program(), names)
