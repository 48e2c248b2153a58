"""Writes models for the decoder of web pages: programs of the kernel, and what updates need.

A file has the form of a model file (FORMAT.md, section 11.1), compressed by gzip; its metadata has
one entry, `web`, which says what the tensors are for.  What is written is asked of the programs as
`codec.decoding.engines` makes them, so the page knows nothing of the shape of a network.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from functools import singledispatch

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from bitstream import CdfTables
from bitstream.update.subspace import table_of
from codec.contract.quality import HALVES, IntegerLevel, centred
from codec.decoding.engines.correcting import KernelCorrector
from codec.decoding.engines.filtering import FilterProgram, in_kernel_order
from codec.decoding.engines.library import best_level
from codec.decoding.engines.objects import KernelJob
from codec.decoding.engines.passes import NamedProgram, PassBuilder
from codec.decoding.engines.scanning import Instructions, ScanProgram
from codec.decoding.engines.synthesis import SynthesisProgram
from codec.decoding.engines.threads import Bands
from codec.decoding.engines.walk import Walk
from codec.decoding.lossless.update import heads_of, scales_of, tables_of
from codec.models.heads import HEAD_NAMES
from codec.models.kinds import FilteredModel, LearnedModel, LosslessModel, ReleasedModel
from codec.networks.integers import FilterLayers, IntegerLayer, Scales
from codec.networks.lossless.corrector import Corrector, cases
from codec.networks.lossless.shape import CHANNELS, PHASES
from codec.networks.order import Grid, Slot
from scripts.release.web_tensors import Description, File

EVEN = 2
"""Rows and columns of the smallest grid."""


def pack(model: ReleasedModel) -> bytes:
    """The file of a model.

    Raises:
        TypeError: pages do not decode its content.
    """
    if model.content not in PAGE_CONTENTS:
        raise TypeError(f"pages do not decode {model.content} content")
    file = File()
    description = {
        "id": model.id.hex(),
        "name": model.name,
        "content": model.content,
        "sizes": file.put(np.array([len(table) for table in model.tables.frequencies])),
        "frequencies": file.put(np.concatenate(model.tables.frequencies)),
        **describe(model, file),
    }
    data = save(file.tensors, metadata={"web": json.dumps(description, separators=(",", ":"))})
    return gzip.compress(data, 9, mtime=0)


PAGE_CONTENTS = ("learned", "lossless", "jpeg", "webp")
"""Browsers decode AVIF files too, but not always to the pixels that an update was made for."""


@singledispatch
def describe(model: ReleasedModel, file: File) -> Description:
    """What a page needs of a model, beside its tables."""
    raise NotImplementedError


@describe.register
def _(model: FilteredModel, file: File) -> Description:
    levels = [IntegerLevel(centred(half), 0, 0, 0) for half in range(HALVES + 1)]
    return {"filter": _filter(model, file, levels)}


@describe.register
def _(model: LearnedModel, file: File) -> Description:
    levels = [model.level(half) for half in range(HALVES + 1)]
    return {
        "filter": _filter(model, file, levels),
        "scan": _scan(model, file, levels),
        "synthesis": _synthesis(model, file, levels),
    }


def _filter(model: FilteredModel, file: File, levels: Sequence[IntegerLevel]) -> Description:
    config, layers = model.filter_config, model.filter_layers
    program = FilterProgram(best_level(), model.arrays, config.widths, config.blocks, layers)
    picture = np.zeros((config.multiple, config.multiple, 12), np.int32)
    pixels = np.zeros((2 * config.multiple, 2 * config.multiple, 3), np.uint8)

    def constants(level: IntegerLevel) -> NDArray[np.int64]:
        return program.job(picture, level.quality, pixels).constants

    described = file.program(program.program)
    kept, places = in_kernel_order(layers), in_kernel_order(FilterLayers(*map(_places, layers)))
    changed = []
    for layer, ordered, place in zip(layers, kept, places, strict=True):
        index = next(
            number
            for number, found in enumerate(program.program.layers)
            if np.array_equal(found.numbers[0], ordered.weight)
        )
        # In the order of model files, which updates know, and where the kernel has each number.
        described["layers"][index] |= {
            "weights": file.put(layer.weight),
            "bias": file.put(layer.bias),
            "weight_places": file.put(place.weight),
            "bias_places": file.put(place.bias),
        }
        changed.append(index)
    return {
        "program": described,
        "constants": file.constants(constants, levels),
        "source": program.source,
        "target": program.target,
        "multiple": config.multiple,
        "changed": changed,
        "tables": list(range(_most_tables(model.tables))),
        "space": file.space(model.subspace),
    }


def _places(layer: IntegerLayer) -> IntegerLayer:
    """A layer whose numbers are their own places."""
    weight, bias = (
        np.arange(array.size).reshape(array.shape) for array in (layer.weight, layer.bias)
    )
    return IntegerLayer(weight, bias, layer.shift, layer.limit)


def _most_tables(tables: CdfTables) -> int:
    """How many tables the levels of an update have."""
    return int(table_of(np.array([2**14]), 0, tables)[0]) + 1


class _Recorded(Walk):
    """A walk that notes its steps in place of running them."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        self.steps: list[Description] = []

    def _everywhere(self, instructions: Instructions) -> None:
        self.steps.append({"run": instructions})

    def _at_phases(self, slot: Slot, instructions: Instructions, *, blank: bool = False) -> None:
        self.steps.append({"run": instructions, "blank": int(blank), **_slot(slot)})

    def code(self, slot: Slot, *arrays: NDArray) -> NDArray[np.int32]:
        """The symbols of a step."""
        self.steps.append({"code": True, **_slot(slot)})
        return np.zeros(len(arrays[-1]), np.int32)


def _slot(slot: Slot) -> Description:
    return {"phases": slot.phases, "channels": slot.stop - slot.start}


def _scan(model: LearnedModel, file: File, levels: Sequence[IntegerLevel]) -> Description:
    slices, tables = model.config.slices, len(model.tables.frequencies)
    program = ScanProgram(best_level(), model.arrays, slices, tables)
    latents = np.zeros((EVEN, EVEN, program.channels), np.int64)
    plain = Scales.plain(program.channels)

    def job(level: IntegerLevel, scales: Scales = plain) -> KernelJob:
        return program.job(latents, (EVEN, EVEN), level, scales)

    walk = _Recorded(program, latents, Grid(EVEN, EVEN), levels[0], plain, Bands(1))
    walk.run(walk.code)
    base, numbers = job(levels[0]), np.arange(1, program.channels + 1)

    def places(scales: Scales) -> str:
        """Where in the constants the scales of each channel are."""
        moved = job(levels[0], scales).constants - base.constants
        return file.put(np.array([int(np.flatnonzero(moved == n)[0]) for n in numbers]))

    return {
        "program": file.program(program.program),
        "constants": file.constants(lambda level: job(level).constants, levels),
        "latents": program.latents,
        "logs": file.put(base.log2_table),
        "steps": walk.steps,
        "gain": places(Scales(plain.gain + numbers, plain.offset)),
        "offset": places(Scales(plain.gain, plain.offset + numbers)),
        "space": file.space(model.prior) if model.prior else None,
    }


def _synthesis(model: LearnedModel, file: File, levels: Sequence[IntegerLevel]) -> Description:
    program = SynthesisProgram(best_level(), model.arrays, model.config.synthesis_blocks)
    latents = np.zeros((EVEN, EVEN, model.config.channels), np.int64)
    blank = program.blank(latents)
    return {
        "program": file.program(program.program),
        "constants": file.constants(
            lambda level: program.job(latents, level.quality, blank).constants, levels
        ),
        "source": program.source,
        "target": program.target,
    }


@describe.register
def _(model: LosslessModel, file: File) -> Description:
    arrays, blocks, level = model.arrays, model.config.blocks, best_level()
    changed = {f"{name}.leave": layer for name, layer in heads_of(model).items()}
    level_tables = tables_of(model.tables)
    numbers = {id(table): number for number, table in enumerate(model.tables.frequencies)}
    return {
        "logs": file.put(model.arrays["loudness.table"]),
        "correctors": [_corrector(model.correctors[case], file) for case in cases()],
        "passes": [
            _pass(PassBuilder(level, arrays, number, blocks, changed), file)
            for number in range(len(PHASES))
        ],
        "tables": [numbers[id(table)] for table in level_tables.frequencies],
        "scales": file.put(scales_of(model.subspaces)),
        "spaces": [file.space(space) for space in model.subspaces],
        "heads": [divmod(number, CHANNELS) for number in range(len(HEAD_NAMES))],
    }


def _corrector(corrector: Corrector, file: File) -> list[Description]:
    layers = KernelCorrector.of(best_level(), corrector)
    return [file.layer(layer) for layer in (layers.enter, layers.leave)]


def _pass(build: PassBuilder, file: File) -> Description:
    def part(part: NamedProgram) -> Description:
        return {"program": file.program(part.program), "registers": dict(part.registers)}

    programs = build.all()
    return {
        "linear": [part(one) for one in programs.linear],
        "own": [[part(one) for one in of_class] for of_class in programs.own],
        "hidden": part(programs.hidden),
        "heads": [part(one) for one in programs.heads],
        "settle": [part(one) for one in programs.settle],
        "settle_grey": [part(one) for one in programs.settle_grey],
        "grid": [file.put(vector) for vector in programs.grid],
    }
