"""Models for pages hold what decoding needs: compared with the package, without a browser."""

from __future__ import annotations

import gzip
import json
from functools import cache

import numpy as np
import pytest
from safetensors.numpy import load

from bitstream import Container
from codec.contract.quality import IntegerLevel
from codec.decoding.engines import library
from codec.decoding.engines.filtering import FilterProgram, in_kernel_order
from codec.decoding.engines.objects import CodewordReader, KernelJob, Layer, Program, Tables
from codec.models import released
from codec.networks.integers import FilterLayers, Scales
from scripts.conform.vectors import (
    LOSSLESS_MODEL_FILE,
    MODEL_FILE,
    PRIOR_MODEL_FILE,
    all_vectors,
    pixels_sha256,
)
from scripts.release.web_models import pack

try:
    LEVEL = library.best_level()
except OSError:
    pytest.skip("there is no kernel", allow_module_level=True)

LISTS = 2**15
"""Bytes that the order of layers and the constants of qualities may take, even of a small model."""
PLAIN = next(vector for vector in all_vectors() if vector.path.stem == "odd-grid")


@cache
def written(path) -> tuple[dict, dict[str, np.ndarray]]:
    """What a file says, and its tensors."""
    data = gzip.decompress(pack(released.load_file(path)))
    head = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return json.loads(head["__metadata__"]["web"]), load(data)


def constants(described: dict, tensors: dict[str, np.ndarray], half: int) -> np.ndarray:
    """As docs/web/lossy.js computes them."""
    base, vector, rows, row = (
        tensors[described[name]].astype(np.int64) for name in ("base", "vector", "rows", "row")
    )
    return base + ((vector * (half - 100) + 2048) >> 12) + rows[row, half]


def program(described: dict, tensors: dict[str, np.ndarray]) -> Program:
    layers = []
    for layer in described["layers"]:
        outputs, inputs, size, stride, shift, limit, activate, bits = layer["shape"]
        weights, bias = tensors[layer["weights"]], tensors[layer["bias"]]
        if "weight_places" in layer:
            weights = weights.ravel()[tensors[layer["weight_places"]].ravel()]
            bias = bias[tensors[layer["bias_places"]]]
        weights = weights.reshape(outputs, inputs, size, size)
        options = {"stride": stride, "activate": bool(activate), "bits": bits}
        layers.append(Layer(LEVEL, weights, bias, shift=shift, limit=limit, **options))
    return Program(np.array(described["registers"]), np.array(described["instructions"]), layers)


def test_a_picture_is_decoded_by_what_the_file_says():
    """The steps that docs/web/lossy.js takes, in Python."""
    described, tensors = written(MODEL_FILE)
    scan, synthesis, last = (described[name] for name in ("scan", "synthesis", "filter"))
    container = Container.unpack(PLAIN.path.read_bytes())
    header = container.header
    grid = -(-header.height // 16), -(-header.width // 16)
    even = tuple(side + side % 2 for side in grid)
    walked = program(scan["program"], tensors)
    latents = np.zeros((*even, walked.registers[scan["latents"]][2]), np.int64)
    sizes = np.cumsum(tensors[described["sizes"]])[:-1]
    tables = Tables(np.split(tensors[described["frequencies"]], sizes))
    reader = CodewordReader(bytes(container.chunks[2]), tables)
    walk(walked, scan, tensors, latents, (grid, even), header.quality, reader)

    made = program(synthesis["program"], tensors)
    picture = np.empty((8 * even[0], 8 * even[1], 12), np.int32)
    external = {synthesis["source"]: latents, synthesis["target"]: picture}
    now = constants(synthesis["constants"], tensors, header.quality)
    made.run(KernelJob(made, even, even, external, now), 0, even[0])

    filtering = program(last["program"], tensors)
    pixels = np.empty((header.height, header.width, 3), np.uint8)
    external = {last["source"]: picture, last["target"]: pixels}
    now = constants(last["constants"], tensors, header.quality)
    job = KernelJob(filtering, picture.shape[:2], (header.width, header.height), external, now)
    filtering.run(job, 0, -(-header.height // 2))
    assert pixels_sha256(pixels) == PLAIN.pixels_sha256


def walk(walked, scan, tensors, latents, grids, half, reader) -> None:
    from codec.decoding.engines.objects import KernelScan

    (rows, columns), even = grids
    logs = tensors[scan["logs"]]
    now = constants(scan["constants"], tensors, half)
    job = KernelJob(walked, even, (columns, rows), {scan["latents"]: latents}, now, logs)
    state = KernelScan(walked, *even)
    arrays: list[np.ndarray] = []
    for step in scan["steps"]:
        counts = [
            step["channels"] * ((rows - r + 1) // 2) * ((columns - c + 1) // 2)
            for r, c in step.get("phases", ())
        ]
        if "code" in step:
            arrays[2][:] = reader.code(arrays[1])
            continue
        if "phases" not in step:
            state.run(job, tuple(step["run"]), (0, even[0]))
            continue
        if not arrays or (sum(counts) and sum(counts) != len(arrays[0])):
            size = sum(counts)
            arrays = [np.zeros(size, k) for k in (np.int64, np.uint16, np.int32, np.int64)]
        job.use(*arrays)
        for phase, place in zip(step["phases"], np.cumsum([0, *counts[:-1]]), strict=True):
            where = {"phase": tuple(phase), "place": int(place), "blank": bool(step["blank"])}
            state.run(job, tuple(step["run"]), (0, even[0] // 2), **where)


@pytest.mark.parametrize("half", [0, 1, 99, 100, 200])
def test_constants_are_those_of_the_package(half):
    from codec.decoding.engines.scanning import ScanProgram

    model = released.load_file(PRIOR_MODEL_FILE)
    described, tensors = written(PRIOR_MODEL_FILE)
    count = len(model.tables.frequencies)
    scan = ScanProgram(LEVEL, model.arrays, model.config.slices, count)
    rng = np.random.default_rng(half)
    plain = Scales.plain(scan.channels)
    scales = Scales(*(part + rng.integers(-900, 900, len(part)) for part in plain))
    latents = np.zeros((2, 2, scan.channels), np.int64)
    expected = scan.job(latents, (2, 2), model.level(half), scales).constants
    found = constants(described["scan"]["constants"], tensors, half)
    for name, numbers in (("gain", scales.gain), ("offset", scales.offset)):
        found[tensors[described["scan"][name]]] = numbers
    assert np.array_equal(found, expected)


def test_changed_layers_are_named_and_put_in_the_order_of_the_kernel():
    model = released.load_file(MODEL_FILE)
    described, tensors = written(MODEL_FILE)
    layers = described["filter"]["program"]["layers"]
    ordered = in_kernel_order(model.filter_layers)
    for index, layer, own in zip(
        described["filter"]["changed"], ordered, model.filter_layers, strict=True
    ):
        weights = tensors[layers[index]["weights"]]
        assert np.array_equal(weights, own.weight)
        places = tensors[layers[index]["weight_places"]]
        assert np.array_equal(weights.ravel()[places], layer.weight)
    assert isinstance(ordered, FilterLayers)
    level = IntegerLevel(3, 0, 0, 0)
    config = model.filter_config
    own = FilterProgram(LEVEL, model.arrays, config.widths, config.blocks, model.filter_layers)
    picture, pixels = np.zeros((2, 2, 12), np.int32), np.zeros((4, 4, 3), np.uint8)
    expected = own.job(picture, level.quality, pixels).constants
    assert np.array_equal(constants(described["filter"]["constants"], tensors, 103), expected)


def test_no_analysis_is_in_a_file_and_no_tensor_twice():
    model = released.load_file(MODEL_FILE)
    _, tensors = written(MODEL_FILE)
    decoding = sum(a.nbytes for name, a in model.arrays.items() if not name.startswith("analysis."))
    tables = 4 * sum(len(table) for table in model.tables.frequencies)
    assert sum(array.nbytes for array in tensors.values()) < decoding + tables + LISTS
    contents = [(array.dtype.str, array.shape, array.tobytes()) for array in tensors.values()]
    assert len(set(contents)) == len(contents)


def test_lossless_models_say_which_tables_levels_take():
    described, tensors = written(LOSSLESS_MODEL_FILE)
    assert described["tables"] == [4 + 8 * scale for scale in range(41)]
    assert len(tensors[described["scales"]]) == sum(
        tensors[space["scales"]].size for space in described["spaces"]
    )
    assert described["heads"] == [[n // 3, n % 3] for n in range(9)]
