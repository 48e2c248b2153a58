"""Conformance vectors of updates, valid and invalid: UPDATE payloads, and files with a PRIOR."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import numpy as np

from bitstream import Tag
from bitstream.limits import MAX_SUBSPACE_LEVEL, MAX_UPDATE_LEVEL
from bitstream.update.methods import Method
from bitstream.update.subspace import STEPS, SubspacePayload
from codec.decoding import prior
from scripts.conform.maker import HALF, Case, Levels, Maker, chunk, sealed


def valid_updates(maker: Maker) -> Iterator[tuple[str, bytes, str]]:
    """Names, UPDATE payloads and purposes."""
    nothing, single = maker.subspace_levels(0, 1, seed=0), maker.subspace_levels(0, 1, seed=0)
    single[0, 0], single[-1, -1] = 1, -1
    sparse, dense = (maker.subspace_levels(share, 9, seed=1) for share in (0.1, 1))
    largest = maker.subspace_levels(1, 1, seed=2) * MAX_SUBSPACE_LEVEL
    for name, step, spread, levels, purpose in (
        ("sparse", 24, 0, sparse, "a typical update"),
        ("dense", 30, 3, dense, "an update of all coordinates"),
        ("nothing", 20, 0, nothing, "an update that changes nothing"),
        ("coarsest", 0, 0, single, "the largest quantiser step"),
        ("finest", STEPS - 1, 0, dense, "the smallest quantiser step"),
        ("narrow", 26, -128, sparse, "the smallest spread: the first table for all, escapes"),
        ("wide", 26, 127, sparse, "the largest spread: the last table for all"),
        ("levels", 43, 0, largest, "the largest levels, a step that is not a power of two"),
    ):
        yield f"subspace-{name}", maker.subspace(step, spread, levels), purpose
    for name, shifts, levels, purpose in (
        ("sparse", (2, 2), maker.tensor_levels(0.05, 9, seed=1), "an update of few parameters"),
        ("dense", (0, 0), maker.tensor_levels(1, 40, seed=2), "an update of all parameters"),
        ("nothing", (3, 5), maker.tensor_levels(0, 1, seed=0), "an update that changes nothing"),
        ("shifts", (15, 15), maker.single_levels(1), "the largest step shifts"),
        ("level", (0, 0), maker.single_levels(MAX_UPDATE_LEVEL), "the largest level of a kernel"),
    ):
        yield f"kernels-{name}", maker.tensors(shifts, levels), purpose
    for method, shifts, purpose in (
        (Method.SCALES, (4, 3), "scales of channels"),
        (Method.LOW_RANK, (1,), "a change of low rank"),
        (Method.COSINE, (4, 3, 2), "coefficients of cosine transforms"),
    ):
        name = method.name.lower().replace("_", "-")
        for kind, share, top in (("sparse", 0.1, 3), ("dense", 1, 9)):
            levels = maker.tensor_levels(share, top, seed=5, method=method)
            yield f"{name}-{kind}", maker.tensors(shifts, levels, method), f"{purpose}, {kind}"
    for name, step, levels in (
        ("sparse", 26, sparse),
        ("dense", 30, dense),
        ("levels", 47, largest),
    ):
        purpose = "levels of a trellis-coded quantiser"
        payload = maker.subspace(step, 0, levels, Method.TRELLIS)
        yield f"trellis-{name}", payload, f"{purpose}, {name}"


def invalid_updates(maker: Maker) -> Iterator[tuple[str, bytes, str, str]]:
    """Names, UPDATE payloads, classes of errors and purposes."""
    by_subspace, by_kernels = bytes([Method.SUBSPACE]), bytes([Method.KERNELS])
    levels = maker.subspace_levels(0, 1, seed=0)
    levels[0, 0] = MAX_SUBSPACE_LEVEL
    inexact = maker.subspace(0, 0, levels)
    levels[0, 0] += 1
    with mock.patch("bitstream.update.subspace.MAX_SUBSPACE_LEVEL", MAX_SUBSPACE_LEVEL + 1):
        level = maker.subspace(STEPS - 1, 0, levels)
    with mock.patch("bitstream.update.levels.MAX_UPDATE_LEVEL", MAX_UPDATE_LEVEL + 1):
        kernel_level = maker.tensors((0, 0), maker.single_levels(MAX_UPDATE_LEVEL + 1))
    inexact_kernels = maker.tensors((15, 0), maker.tensor_levels(1, MAX_UPDATE_LEVEL, seed=4))
    levels[0, 0] = MAX_SUBSPACE_LEVEL
    inexact_trellis = maker.subspace(0, 0, levels, Method.TRELLIS)
    low_rank = maker.tensor_levels(1, MAX_UPDATE_LEVEL, seed=6, method=Method.LOW_RANK)
    inexact_rank = maker.tensors((15,), low_rank, Method.LOW_RANK)
    step = by_subspace + bytes([STEPS, 128])
    dense = maker.tensors((0, 0), maker.tensor_levels(1, 40, seed=2))
    yield from (
        ("update-empty", b"", "Truncated", "no method"),
        ("update-method-zero", b"\0\x14\x80", "InvalidField", "method 0"),
        ("update-method-newer", b"\x08\x14\x80", "InvalidField", "a method that does not exist"),
        ("shared-length", b"\x07" + b"n" * 15, "InvalidField", "an id of 15 bytes"),
        (
            "shared-unknown",
            b"\x07" + b"n" * 16,
            "UnknownUpdate",
            "an update file that is not given",
        ),
        ("subspace-no-step", by_subspace, "Truncated", "ends before the step"),
        ("subspace-no-spread", by_subspace + b"\x14", "Truncated", "ends before the spread"),
        ("subspace-step-limit", step, "InvalidField", "step 64"),
        ("subspace-level-limit", level, "InvalidField", "a level of 2**10 + 1"),
        ("subspace-range", by_subspace + b"\x14\x80" + b"\xff" * 8, "InvalidField", "no codeword"),
        ("subspace-exact-range", inexact, "InvalidField", "weights outside of the exact range"),
        ("trellis-exact-range", inexact_trellis, "InvalidField", "weights out of the exact range"),
        ("low-rank-exact-range", inexact_rank, "InvalidField", "weights out of the exact range"),
        ("kernels-prefix", by_kernels, "InvalidField", "an Exp-Golomb prefix of more than 14"),
        ("kernels-end", dense[: len(dense) // 2], "Truncated", "half of a codeword"),
        ("kernels-level-limit", kernel_level, "InvalidField", "a level of 2**15"),
        ("kernels-exact-range", inexact_kernels, "InvalidField", "weights out of the exact range"),
    )


def prior_cases(maker: Maker, without: Maker) -> Iterator[Case]:
    """Files with a PRIOR chunk; `without` makes files of a model that has no such updates."""
    model = maker.model

    def payload(step: int, spread: int, levels: Levels) -> bytes:
        return prior.pack(SubspacePayload(step, spread, levels), model)

    def file(data: bytes, of: Maker = maker) -> bytes:
        """A file whose CONTENT was coded without the chunk: it decodes to something."""
        content = chunk(Tag.CONTENT, of.content(45, 37))
        return sealed(of.header(45, 37, HALF) + content + chunk(Tag.PRIOR, data))

    shape = model.prior.scales.shape
    rng = np.random.default_rng(7)
    dense = rng.integers(-9, 10, shape, dtype=np.int32)
    nothing = np.zeros(shape, np.int32)
    largest = np.full(shape, MAX_SUBSPACE_LEVEL, np.int32)
    for name, step, spread, levels, purpose in (
        ("sparse", 8, 0, dense * (rng.random(shape) < 0.2), "a typical update"),
        ("dense", 14, 3, dense, "an update of all coordinates"),
        ("nothing", 20, 0, nothing, "an update that changes nothing"),
        ("coarsest", 0, 127, dense, "the largest quantiser step, scales at the ends"),
        ("finest", STEPS - 1, -128, dense, "the smallest quantiser step"),
        ("levels", 41, 0, largest, "the largest levels, a step that is not a power of two"),
    ):
        purpose = f"update of the prior: {purpose}"
        yield Case(f"prior-{name}", purpose, file(payload(step, spread, levels)))
    good = payload(8, 0, dense)
    early = chunk(Tag.PRIOR, good) + chunk(Tag.CONTENT, maker.content())
    for name, data, error, purpose in (
        ("empty", file(b""), "Truncated", "no step"),
        ("no-spread", file(b"\x14"), "Truncated", "ends before the spread"),
        ("step-limit", file(bytes([STEPS, 128])), "InvalidField", "step 64"),
        ("range", file(b"\x14\x80" + b"\xff" * 8), "InvalidField", "no codeword"),
        ("model", file(good, without), "InvalidField", "a model without updates of its prior"),
        ("order", sealed(maker.header() + early), "InvalidField", "PRIOR before CONTENT"),
    ):
        yield Case(f"prior-{name}", f"update of the prior: {purpose}", data, error)
