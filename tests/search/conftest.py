"""A crop of a photograph."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray


@pytest.fixture(scope="session")
def crop() -> NDArray[np.uint8]:
    """Uint8 [96 128 3]."""
    from skimage import data

    return data.astronaut()[:96, 140:268].copy()
