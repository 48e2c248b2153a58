"""Numbers that all parts of the lossless mode share; needs no torch."""

from __future__ import annotations

CHANNELS = 3
PHASES = ((1, 1), (0, 1), (1, 0))
"""Rows and columns of the phases D, B and C, in coding order; A is (0, 0)."""
CLASSES = 4
"""Grids that differ in their statistics: the finest, its half, its quarter, and all others."""

VALUE_BITS = 5
"""Fractional bits of a pixel value: FRACTION_BITS of a lossless unit."""
PIXEL_LIMIT = 2**8
"""Bound of pixel values, and of the differences of two: 255."""

LOG2_SCALE_MIN = -4.0
LOG2_SCALE_MAX = 6.0
LOG2_SCALE_START = 1.0
"""Of an untrained network, in pixel values."""
LOG_ODDS_MIN = -4.0
LOG_ODDS_MAX = 0.0
LOG_ODDS_START = -2.0
"""Natural logarithm of the odds of the wide logistic."""

SPACING = 0.25
"""Scales are a quarter of an octave apart."""
SCALES = round((LOG2_SCALE_MAX - LOG2_SCALE_MIN) / SPACING) + 1
ODDS = 4
FRACTIONS = 8
"""The mean counts in eighths of a pixel value."""
