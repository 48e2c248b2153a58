"""A filter for each standard format, whether or not the package has one for it yet; a picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from bitstream import UnknownModel
from codec.errors import ModelError
from codec.models import released
from codec.models.kinds import FilteredModel

FORMATS = ("jpeg", "webp", "avif")


@pytest.fixture(autouse=True, scope="module")
def models() -> Iterator[None]:
    """Lets the filter for JPEG stand in for those that are missing."""
    jpeg = released.load_default("jpeg")
    found = {}
    for name in FORMATS:
        try:
            found[name] = released.load_default(name)
        except ModelError:
            found[name] = replace(jpeg, id=name.encode(), content=name)
    by_id = {model.id: model for model in found.values()}

    def load(model_id: bytes) -> FilteredModel:
        if model_id not in by_id:
            raise UnknownModel(f"needs model {model_id.hex()}")
        return by_id[model_id]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(released, "load_default", found.__getitem__)
        patch.setattr(released, "load", load)
        yield


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """A portrait, in the public domain: uint8 [512 512 3]."""
    from skimage import data

    return data.astronaut()


@pytest.fixture(scope="session")
def photo(astronaut: np.ndarray) -> np.ndarray:
    """A face: uint8 [72 88 3]."""
    return astronaut[102:174, 184:272].copy()


@pytest.fixture(scope="session")
def head(astronaut: np.ndarray) -> np.ndarray:
    """More of the same picture: uint8 [160 160 3]."""
    return astronaut[60:220, 150:310].copy()
