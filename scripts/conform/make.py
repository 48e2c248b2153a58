"""Writes the conformance vectors that are missing, and never changes one that is there.

    python -m scripts conform.make

adds to tests/vectors/: the tiny models, v1/valid/*.bin with the decoded picture as *.png,
v1/invalid/*.bin, and an entry for each in v1/manifest.toml.  Prints how many it added: 0 if the
vectors are complete.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bitstream import FORMAT_VERSION, FormatError
from codec import decode
from codec.models import released
from codec.networks.config import FilterConfig, ModelConfig
from codec.picture import formats, writing
from codec.picture.metadata import NO_METADATA
from codec.picture.notes import Notes
from scripts.conform.cases import invalid_cases, valid_cases
from scripts.conform.deep import deep_invalid_cases, deep_valid_cases
from scripts.conform.lossless import (
    LosslessMaker,
    bitstream_cases,
    lossless_invalid_cases,
    lossless_model_file,
    lossless_valid_cases,
)
from scripts.conform.maker import Case, Maker
from scripts.conform.update_cases import prior_cases
from scripts.conform.vectors import (
    LOSSLESS_MODEL_FILE,
    MODEL_FILE,
    MODELS,
    PRIOR_MODEL_FILE,
    VECTORS,
    format_versions,
    pixels_sha256,
    read_vectors,
    sha256,
)
from tests.codec.tiny_model import tiny_model_file

CONFIG = ModelConfig(
    slices=((1,), (1,), (1,), (1, 1)),
    context_hidden=6,
    analysis_hidden=2,
    analysis_blocks=(0, 0),
    synthesis_widths=(4, 4, 4, 4),
    synthesis_blocks=(0, 1, 0, 2),
    filter=FilterConfig((8, 4, 4), (2, 1)),
)
PRIOR_CONFIG = replace(CONFIG, context_hidden=4, filter=FilterConfig((2,)))
VERSION = VECTORS / f"v{FORMAT_VERSION}"


class VectorError(Exception):
    """A new vector does not do what it is there for."""


def main() -> int:
    """Returns the exit status."""
    os.environ[released.MODELS_VARIABLE] = str(MODELS)
    for path in (MODEL_FILE, PRIOR_MODEL_FILE):
        if not path.exists():
            write_model(path)
    if not LOSSLESS_MODEL_FILE.exists():
        LOSSLESS_MODEL_FILE.parent.mkdir(parents=True, exist_ok=True)
        LOSSLESS_MODEL_FILE.write_bytes(lossless_model_file())
    plain, maker = (Maker(released.load_file(path)) for path in (MODEL_FILE, PRIOR_MODEL_FILE))
    lossless = LosslessMaker(released.load_file(LOSSLESS_MODEL_FILE))
    vectors = read_vectors(VERSION) if VERSION in format_versions() else []
    present = {vector.path.stem for vector in vectors}
    cases = (
        *valid_cases(plain),
        *invalid_cases(plain),
        *prior_cases(maker, plain),
        *lossless_valid_cases(lossless),
        *lossless_invalid_cases(lossless),
        *bitstream_cases(),
        *deep_valid_cases(lossless),
        *deep_invalid_cases(lossless),
    )
    added = [case for case in cases if case.id not in present]
    try:
        for case in added:
            add(case)
    except VectorError as error:
        print(f"make_vectors: {error}", file=sys.stderr)
        return 1
    print(f"{len(added)} vectors added, {len(present)} kept")
    return 0


def write_model(path: Path) -> None:
    """A model of the vectors: the random one of the codec's tests, but smaller."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with_prior = path == PRIOR_MODEL_FILE
    config = PRIOR_CONFIG if with_prior else CONFIG
    path.write_bytes(tiny_model_file(config, with_prior=with_prior))


def add(case: Case) -> None:
    """Writes one vector and its entry of the manifest."""
    facts: dict[str, str | int] = {
        "id": case.id,
        "purpose": case.purpose,
        "sha256": sha256(case.data),
    }
    kind = "invalid" if case.error else "valid"
    path = VERSION / kind / f"{case.id}.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        pixels = decode(case.data)
    except FormatError as error:
        if type(error).__name__ != case.error:
            raise VectorError(f"{case.id}: {type(error).__name__}: {error}") from error
        facts["error"] = case.error
    else:
        if case.error:
            raise VectorError(f"{case.id}: decodes, instead of being refused as {case.error}")
        height, width, _ = pixels.shape
        facts |= {"width": width, "height": height, "pixels_sha256": pixels_sha256(pixels)}
        save(pixels, path.with_suffix(".png"))
    path.write_bytes(case.data)
    append_entry(VERSION / "manifest.toml", kind, facts)


def save(pixels: NDArray[np.uint8] | NDArray[np.uint16], path: Path) -> None:
    """Writes a decoded picture."""
    if pixels.dtype == np.uint8:
        Image.fromarray(pixels).save(path, optimize=True)
    else:
        path.write_bytes(writing.save(pixels, NO_METADATA, formats.PNG, Notes()))


def append_entry(manifest: Path, kind: str, facts: dict[str, str | int]) -> None:
    # Strings and integers of JSON are those of TOML too.
    lines = [f"[[{kind}]]", *(f"{name} = {json.dumps(value)}" for name, value in facts.items())]
    with manifest.open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n\n")


if __name__ == "__main__":
    sys.exit(main())
