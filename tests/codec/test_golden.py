"""Stored files decode to the very same pixels for ever, and as FORMAT.md says."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bitstream import BadMagic, ChecksumMismatch, Container, Tag, UnsupportedVersion
from codec import decode, encode
from codec.contract.modes import Lossy
from codec.contract.options import EncodeOptions
from codec.models.registry import PRETRAINED
from codec.models.released import file_id
from tests.codec.tiny_model import GOLDEN, GOLDEN_PICTURES, MODEL_FILE, picture, pixels_hash
from tests.independent import decoder as independent

HASHES = json.loads((GOLDEN / "pixels.json").read_text())


def test_every_golden_file_has_its_hash():
    assert {path.stem for path in GOLDEN.glob("*.bin")} == set(HASHES) == set(GOLDEN_PICTURES)
    chunks = [Container.unpack(path.read_bytes()).chunks for path in GOLDEN.glob("*.bin")]
    assert any(Tag.UPDATE in found for found in chunks)
    assert any(Tag.UPDATE not in found for found in chunks)


@pytest.mark.parametrize("name", HASHES)
def test_pixels(tiny, name):
    pixels = decode((GOLDEN / f"{name}.bin").read_bytes())
    assert pixels.shape == (*GOLDEN_PICTURES[name][1::-1], 3)
    assert pixels_hash(pixels) == HASHES[name]


@pytest.mark.parametrize("name", HASHES)
def test_every_flipped_bit_is_refused_as_damage(name):
    damaged = bytearray((GOLDEN / f"{name}.bin").read_bytes())
    for bit in range(8 * len(damaged)):
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises((BadMagic, UnsupportedVersion, ChecksumMismatch)):
            Container.unpack(bytes(damaged))
        damaged[bit // 8] ^= 1 << bit % 8


@pytest.mark.parametrize("name", HASHES)
def test_pixels_by_the_specification(name):
    data = (GOLDEN / f"{name}.bin").read_bytes()
    pixels = independent.decode(data, {file_id(MODEL_FILE): MODEL_FILE})
    assert pixels_hash(pixels) == HASHES[name]


def test_the_released_model_by_the_specification(released, photo):
    path = PRETRAINED / released.name / "model.safetensors"
    crop = photo[:40, :50]
    data = encode(crop, EncodeOptions(Lossy(quality=70), effort=1)).data
    assert np.array_equal(independent.decode(data, {file_id(path): path}), decode(data))


def test_the_golden_picture_is_what_it_was():
    assert pixels_hash(picture(45, 37)) == (
        "25d5c3cee76a4d81649044a77765011719c8060c742deace0a02f21df077c804"
    )
