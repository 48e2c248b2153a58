"""A decoder that was written from FORMAT.md alone agrees with ours, so that FORMAT.md suffices."""

from __future__ import annotations

import ast
import io
import json
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import codec
from bitstream import Container, Tag
from bitstream.update.methods import reference
from bitstream.update.shared import SharedUpdate
from codec.contract.contents import FOREIGN
from codec.models.registry import MODELS_VARIABLE, REGISTRY
from codec.models.released import file_id, load_default
from codec.picture.standard import STANDARD
from scripts.conform.vectors import MODELS, Vector, all_vectors, pixels_sha256
from tests.independent.decoder import decode
from tests.independent.entropy_coders import DecodeError

HERE = Path(__file__).parent
GOLDEN = HERE / "codec" / "golden"
HASHES = json.loads((GOLDEN / "pixels.json").read_text(encoding="utf-8"))
MODEL_FILES = {
    file_id(path): path
    for path in (*MODELS.glob("*/model.safetensors"), GOLDEN / "tiny-model.safetensors")
}
DEFAULTS = tomllib.loads(REGISTRY.read_text(encoding="utf-8"))["default"]
SPECIFIED = [content for content in DEFAULTS if content != FOREIGN]
VALID = [vector for vector in all_vectors() if vector.error is None]
INVALID = [vector for vector in all_vectors() if vector.error is not None]
SECTIONS = {
    "Truncated": {"3", "5.3", "6.1", "9.1", "9.2"},
    "BadMagic": {"3.1"},
    "UnsupportedVersion": {"3.1"},
    "ChecksumMismatch": {"3.2", "5.5"},
    "LimitExceeded": {"3.3"},
    "UnknownModel": {"4"},
    "UnknownUpdate": {"9.7"},
    "InvalidField": set(
        "2.2 4 5 5.3 5.5 6.2 7.2 8.4 9.1 9.2 9.6 9.7 9.8 14.1 14.2 14.4 14.6 14.8".split()
    ),
}
"""Where FORMAT.md states the rules behind each kind of error."""
ALLOWED_IMPORTS = {"numpy", *sys.stdlib_module_names}


def by_pillow(data: bytes) -> np.ndarray:
    """A decoder of another standard, which keeps an opacity."""
    try:
        return np.array(Image.open(io.BytesIO(data)))
    except OSError as error:
        raise DecodeError("14.6", "not readable") from error


STANDARDS = {"webp": by_pillow}


def name(vector: Vector) -> str:
    return vector.id


def test_it_shares_no_code():
    for path in (HERE / "independent").glob("*.py"):
        imported = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(node.module.split(".")[0])
        assert imported <= ALLOWED_IMPORTS


@pytest.mark.parametrize("vector", VALID, ids=name)
def test_valid_vectors(vector):
    assert (
        pixels_sha256(decode(vector.path.read_bytes(), MODEL_FILES, STANDARDS))
        == vector.pixels_sha256
    )


@pytest.mark.parametrize("vector", INVALID, ids=name)
def test_invalid_vectors(vector):
    with pytest.raises(DecodeError) as caught:
        decode(vector.path.read_bytes(), MODEL_FILES, STANDARDS)
    assert caught.value.section in SECTIONS[vector.error]


def test_shared_updates(monkeypatch):
    """The update of a vector in a file of its own."""
    monkeypatch.setenv(MODELS_VARIABLE, str(MODELS))
    vector = next(vector for vector in VALID if vector.path.stem == "subspace-sparse")
    container = Container.unpack(vector.path.read_bytes())
    file = SharedUpdate(container.header.model, container.chunks[Tag.UPDATE]).pack()
    chunks = container.chunks | {Tag.UPDATE: reference(file)}
    data = Container(container.header, chunks).pack()
    pixels = decode(data, MODEL_FILES, updates=[b"another", file])
    assert pixels_sha256(pixels) == vector.pixels_sha256
    assert np.array_equal(pixels, codec.decode(data, codec.DecodeOptions(updates=(file,))))
    with pytest.raises(DecodeError):
        decode(data, MODEL_FILES, updates=[file + b"\0"])


@pytest.mark.parametrize("golden", HASHES)
def test_golden_files(golden):
    data = (GOLDEN / f"{golden}.bin").read_bytes()
    assert pixels_sha256(decode(data, MODEL_FILES)) == HASHES[golden]


@pytest.mark.parametrize("content", SPECIFIED)
def test_the_released_models(content):
    released = load_default(content)
    path = REGISTRY.parent / released.name / "model.safetensors"
    y, x = np.mgrid[:40, :45]
    picture = np.stack([5 * x, 6 * y, (x * y) % 256], -1).astype(np.uint8)
    if content == "lossless":
        options = codec.EncodeOptions(codec.Lossless("learned"), effort=1)
    else:
        options = codec.EncodeOptions(codec.Lossy(quality=80, content=content), effort=1)
    data = codec.encode(picture, options).data
    assert Tag.UPDATE in Container.unpack(data).chunks
    readers = {name: standard.read for name, standard in STANDARD.items()}
    assert np.array_equal(decode(data, {file_id(path): path}, readers), codec.decode(data))
