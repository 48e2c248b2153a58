"""Settings for all tests."""

from __future__ import annotations

import signal

import pytest
from hypothesis import settings
from PIL import Image

# The same examples on every machine, and no deadline: a network is slow the first time.
settings.register_profile("reproducible", deadline=None, derandomize=True)
settings.load_profile("reproducible")

# A shell's background jobs ignore interrupts, and so would every process that a test starts and
# stops.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes back what a test registers with Pillow: other tests count on Pillow as it is."""
    Image.init()  # or what Pillow itself registers later would be taken back too
    for registry in ("OPEN", "SAVE", "EXTENSION", "MIME"):
        monkeypatch.setattr(Image, registry, dict(getattr(Image, registry)))
    monkeypatch.setattr(Image, "ID", list(Image.ID))
