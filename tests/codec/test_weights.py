"""Finding, checking and packing model files."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from bitstream import UnknownModel
from codec import decode, encode
from codec.contract.options import EncodeOptions
from codec.errors import ModelError
from codec.models import released
from tests.codec.tiny_model import MODEL_FILE, picture

FORMAT = Path(__file__).parents[2] / "FORMAT.md"


def test_id_is_the_beginning_of_the_hash(tiny):
    assert tiny.id == hashlib.sha256(MODEL_FILE.read_bytes()).digest()[:4]
    assert released.load(tiny.id) is tiny
    assert tiny.name == "tiny"


def test_unknown_id(tiny):
    with pytest.raises(UnknownModel, match="01020304"):
        released.load(bytes([1, 2, 3, 4]))


def test_a_file_of_another_model_is_refused(tiny, tmp_path, monkeypatch):
    data = encode(picture(8, 8), EncodeOptions(effort=0)).data
    registry = tmp_path / "models.toml"
    registry.write_text(
        '[default]\nlearned = "other"\n[sha256]\nother = "0102030405"\n', encoding="utf-8"
    )
    monkeypatch.setattr(released, "REGISTRY", registry)
    with pytest.raises(UnknownModel, match=tiny.id.hex()):
        decode(data)


def test_a_damaged_model_is_not_used(tiny, tmp_path, monkeypatch):
    data = encode(picture(8, 8), EncodeOptions(effort=0)).data
    damaged = bytearray(MODEL_FILE.read_bytes())
    damaged[-1] ^= 1
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "model.safetensors").write_bytes(damaged)
    monkeypatch.setattr(released, "PRETRAINED", tmp_path)
    with pytest.raises(ModelError, match="damaged"):
        decode(data)
    with pytest.raises(ModelError, match="damaged"):
        encode(picture(8, 8))


def test_two_models_of_one_id_are_refused(tiny, tmp_path, monkeypatch):
    """The hash of the second begins as that of the first, which takes minutes to make for real."""
    data = encode(picture(8, 8), EncodeOptions(effort=0)).data
    rival = tmp_path / "rival" / "model.safetensors"
    known = released.available()
    found = known | {tiny.id + bytes(28): rival}
    monkeypatch.setattr(released, "available", lambda: found)
    with pytest.raises(ModelError, match=f"{tiny.id.hex()} is both .* and {rival}"):
        decode(data)


def test_a_model_whose_id_alone_fits_is_refused(tiny, tmp_path, monkeypatch):
    """The registry of the package knows whole hashes."""
    path = tmp_path / "tiny" / "model.safetensors"
    path.parent.mkdir()
    path.write_bytes(MODEL_FILE.read_bytes() + b"\0")
    monkeypatch.setattr(released, "file_hash", lambda _: tiny.id + bytes(28))
    monkeypatch.setattr(released, "available", lambda: {tiny.id + b"\1" * 28: path})
    with pytest.raises(ModelError, match="damaged"):
        released.load(tiny.id)


def test_a_missing_model_file_is_named(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(released, "PRETRAINED", tmp_path)
    with pytest.raises(ModelError, match="missing"):
        released.load_default()


def test_pack_and_load_are_inverse(tiny, tmp_path):
    data = released.pack_model(
        "learned",
        tiny.config,
        tiny.arrays,
        list(tiny.tables.frequencies),
        {"license": "Apache-2.0"},
    )
    path = tmp_path / "copy" / "model.safetensors"
    path.parent.mkdir()
    path.write_bytes(data)
    copy = released.load_file(path)
    assert (copy.content, copy.config) == ("learned", tiny.config)
    assert np.array_equal(copy.subspace.inner, tiny.subspace.inner)
    assert copy.arrays.keys() == tiny.arrays.keys()
    assert all(np.array_equal(copy.arrays[name], value) for name, value in tiny.arrays.items())
    assert [t.tolist() for t in copy.tables.frequencies] == [
        t.tolist() for t in tiny.tables.frequencies
    ]


def test_registry_of_the_format_lists_every_model():
    known = tomllib.loads(released.REGISTRY.read_text(encoding="utf-8"))
    rows = re.findall(r"^\| ([0-9A-F]{8}) \| (\S+) +\|", FORMAT.read_text("utf-8"), re.MULTILINE)
    assert rows == [(digest[:8].upper(), name) for name, digest in known["sha256"].items()]
    assert set(known["default"].values()) <= set(known["sha256"])


def test_no_model_for_a_content_is_an_error(tiny, tmp_path, monkeypatch):
    registry = tmp_path / "models.toml"
    registry.write_text('[default]\nlearned = "tiny"\n[sha256]\n', encoding="utf-8")
    monkeypatch.setattr(released, "REGISTRY", registry)
    with pytest.raises(ModelError, match="no model for avif content"):
        released.load_default("avif")


def test_models_of_a_folder_are_found_by_their_id(tiny_folder, monkeypatch):
    monkeypatch.setenv(released.MODELS_VARIABLE, str(tiny_folder))
    path = tiny_folder / "tiny-webp" / "model.safetensors"
    found = released.load(released.file_id(path))
    assert (found.name, found.content, found.multiple) == ("tiny-webp", "webp", 8)
