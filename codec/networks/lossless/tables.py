"""How the integer probability tables of pixel errors are indexed.

One for each odds of the wide logistic, each scale, and each fraction of the mean, in this order.
`codec.networks.lossless.export` makes them.
"""

from __future__ import annotations

from codec.networks.lossless.likelihood import LOG2_SCALE_MAX, LOG2_SCALE_MIN

SPACING = 0.25
"""Scales are a quarter of an octave apart."""
SCALES = round((LOG2_SCALE_MAX - LOG2_SCALE_MIN) / SPACING) + 1
ODDS = 4
FRACTIONS = 8
"""The mean counts in eighths of a pixel value."""
