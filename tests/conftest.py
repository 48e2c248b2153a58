"""Settings for all tests."""

from __future__ import annotations

from hypothesis import settings

# The same examples on every machine, and no deadline: a network is slow the first time.
settings.register_profile("reproducible", deadline=None, derandomize=True)
settings.load_profile("reproducible")
