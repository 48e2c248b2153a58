"""Tests, as a package: so that they can share pictures, models and the independent decoder."""
