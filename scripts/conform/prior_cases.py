"""Lists the conformance vectors of prior updates, valid and invalid ones."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bitstream import Tag
from bitstream.limits import (
    MAX_SUBSPACE_LEVEL,
)
from bitstream.update.subspace import STEPS, SubspacePayload
from codec.decoding import prior
from scripts.conform.maker import HALF, Case, Levels, Maker, chunk, sealed


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
