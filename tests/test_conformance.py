"""Every conformance vector is what its manifest says, and decodes or is refused as it says."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import bitstream
from bitstream import FormatError, UnknownModel
from codec import decode
from codec.models.released import MODELS_VARIABLE
from codec.picture import reading, transparency
from scripts.conform.vectors import MODELS, VECTORS, Vector, all_vectors, pixels_sha256, sha256

ALL = all_vectors()
VALID = [vector for vector in ALL if vector.error is None]
INVALID = [vector for vector in ALL if vector.error is not None]
LARGEST_TOTAL_BYTES = 700_000


def name(vector: Vector) -> str:
    return vector.id


@pytest.fixture(autouse=True)
def vector_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODELS_VARIABLE, str(MODELS))


@pytest.mark.parametrize("vector", ALL, ids=name)
def test_files_never_change(vector):
    assert sha256(vector.path.read_bytes()) == vector.sha256


@pytest.mark.parametrize("vector", VALID, ids=name)
def test_valid_files_decode_to_the_very_same_pixels(vector):
    pixels = decode(vector.path.read_bytes())
    assert pixels_sha256(pixels) == vector.pixels_sha256
    picture = vector.path.with_suffix(".png")
    if pixels.dtype == np.uint8:
        assert np.array_equal(pixels, np.array(Image.open(picture)))
    else:
        raster = reading.read_raster(picture)
        assert np.array_equal(pixels, transparency.deepened(raster.deep, raster.alpha))


@pytest.mark.parametrize("vector", INVALID, ids=name)
def test_invalid_files_are_refused_for_their_reason(vector):
    with pytest.raises(getattr(bitstream, vector.error)) as caught:
        decode(vector.path.read_bytes())
    assert type(caught.value).__name__ == vector.error
    assert "\n" not in str(caught.value)


def test_every_kind_of_error_has_a_vector():
    kinds = {kind.__name__ for kind in FormatError.__subclasses__()}
    assert {vector.error for vector in INVALID} == kinds


def test_manifests_list_every_file():
    listed = [vector.path for vector in ALL]
    assert len(set(listed)) == len(listed)
    assert set(listed) == set(VECTORS.glob("v*/*/*.bin"))


def test_vectors_stay_small():
    files = (path for path in VECTORS.rglob("*") if path.is_file())
    assert sum(path.stat().st_size for path in files) < LARGEST_TOTAL_BYTES


def test_without_their_model_the_message_says_what_to_do(monkeypatch):
    monkeypatch.delenv(MODELS_VARIABLE)
    data = VALID[0].path.read_bytes()
    model = bitstream.Container.unpack(data).header.model
    with pytest.raises(UnknownModel, match=f"{model.hex()}.*newer version.*{MODELS_VARIABLE}"):
        decode(data)
