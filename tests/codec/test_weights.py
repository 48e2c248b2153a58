"""Finding, checking and packing model files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from tiny_model import MODEL_FILE, picture

from bitstream import UnknownModel
from codec import decode, encode, weights
from codec.errors import ModelError
from codec.options import EncodeOptions

FORMAT = Path(__file__).parents[2] / "FORMAT.md"


def test_id_is_the_beginning_of_the_hash(tiny):
    assert tiny.id == hashlib.sha256(MODEL_FILE.read_bytes()).digest()[:4]
    assert weights.load(tiny.id) is tiny
    assert tiny.name == "tiny"


def test_unknown_id(tiny):
    with pytest.raises(UnknownModel, match="01020304"):
        weights.load(bytes([1, 2, 3, 4]))


def test_a_file_of_another_model_is_refused(tiny, tmp_path, monkeypatch):
    data = encode(picture(8, 8), EncodeOptions(effort=0)).data
    registry = tmp_path / "models.toml"
    registry.write_text('default = "other"\n[sha256]\nother = "0102030405"\n', encoding="utf-8")
    monkeypatch.setattr(weights, "REGISTRY", registry)
    with pytest.raises(UnknownModel, match=tiny.id.hex()):
        decode(data)


def test_a_damaged_model_is_not_used(tiny, tmp_path, monkeypatch):
    data = encode(picture(8, 8), EncodeOptions(effort=0)).data
    damaged = bytearray(MODEL_FILE.read_bytes())
    damaged[-1] ^= 1
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "model.safetensors").write_bytes(damaged)
    monkeypatch.setattr(weights, "PRETRAINED", tmp_path)
    with pytest.raises(ModelError, match="damaged"):
        decode(data)
    with pytest.raises(ModelError, match="damaged"):
        encode(picture(8, 8))


def test_a_missing_model_file_is_named(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "PRETRAINED", tmp_path)
    with pytest.raises(ModelError, match="missing"):
        weights.load_default()


def test_pack_and_load_are_inverse(tiny, tmp_path):
    data = weights.pack(
        tiny.config, tiny.tensors, list(tiny.tables.frequencies), {"license": "Apache-2.0"}
    )
    path = tmp_path / "copy" / "model.safetensors"
    path.parent.mkdir()
    path.write_bytes(data)
    copy = weights.load_file(path)
    assert copy.config == tiny.config
    assert copy.tensors.keys() == tiny.tensors.keys()
    assert all(torch.equal(copy.tensors[name], value) for name, value in tiny.tensors.items())
    assert [t.tolist() for t in copy.tables.frequencies] == [
        t.tolist() for t in tiny.tables.frequencies
    ]


def test_registry_of_the_format_lists_the_default_model(released):
    row = f"| {released.id.hex().upper()} | {released.name} |"
    assert row in FORMAT.read_text(encoding="utf-8")
