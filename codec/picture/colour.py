"""What numbers in a file say of its colours: gamma and chromaticities, or code points.

Code points: ITU-T H.273 (07/2024), tables 2 and 3, which PNG (third edition), AVIF and HEIF use.
Formulas below are inverse to those of table 3: from samples to light, which is what a profile says.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from codec.picture import profiles
from codec.picture.notes import Notes
from codec.picture.profiles import D65, SRGB, Chromaticities

Curve = NDArray[np.float64]


C, DCI = (0.310, 0.316), (0.314, 0.351)
PRIMARIES = {
    1: SRGB,
    2: SRGB,  # unspecified
    4: Chromaticities(C, ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08))),
    5: Chromaticities(D65, ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06))),
    6: Chromaticities(D65, ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070))),
    7: Chromaticities(D65, ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070))),
    8: Chromaticities(C, ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049))),
    9: Chromaticities(D65, ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))),
    10: Chromaticities((1 / 3, 1 / 3), ((1.0, 0.0), (0.0, 1.0), (0.0, 0.0))),
    11: Chromaticities(DCI, ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))),
    12: Chromaticities(D65, ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))),
    22: Chromaticities(D65, ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077))),
}
NOT_SPECIFIED, IDENTITY = 2, 0
TRANSFER_SRGB = 13
HDR = {16: "PQ", 18: "HLG"}
TABLE_POINTS = 256
"""One for each sample of 8 bits."""
SAME_GAMMA, SAME_POINT = 0.0005, 0.002
"""How far numbers may be from those of sRGB and still mean it: they are rounded."""
LEAST_GAMMA = 0.05
SRGB_GAMMA = 0.45455
"""What writers of PNG state for sRGB (PNG, third edition, section 13.13)."""


def _parametric(x: Curve, exponent: float, *rest: float) -> Curve:
    """ICC.1:2022, section 10.18, functions 0 and 3."""
    if not rest:
        return x**exponent
    scale, offset, slope, end = rest
    return np.where(x < end, slope * x, (scale * x + offset) ** exponent)


def _pq(x: Curve) -> Curve:
    root = x ** (1 / 78.84375)
    light = np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)
    return light ** (1 / 0.1593017578125)


def _hlg(x: Curve) -> Curve:
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(x <= 0.5, x**2 / 3, (np.exp((np.maximum(x, 0.5) - c) / a) + b) / 12)


SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
REC_709 = (1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081)
PARAMETERS: dict[int, tuple[float, ...]] = {
    **dict.fromkeys((NOT_SPECIFIED, TRANSFER_SRGB), SRGB_CURVE),
    **dict.fromkeys((1, 6, 11, 14, 15), REC_709),
    4: (2.2,),
    5: (2.8,),
    7: (1 / 0.45, 1 / 1.1115, 0.1115 / 1.1115, 1 / 4, 0.0913),
    8: (1.0,),
}
"""Transfer -> the parameters of `_parametric`."""
FORMULAS: dict[int, Callable[[Curve], Curve]] = {
    9: lambda x: np.where(x > 0, 10.0 ** (2 * (x - 1)), 0),
    10: lambda x: np.where(x > 0, 10.0 ** (2.5 * (x - 1)), 0),
    16: _pq,
    17: lambda x: x**2.6 * (52.37 / 48),
    18: _hlg,
}


def from_code_points(codes: bytes, notes: Notes) -> bytes:
    """Primaries, transfer, matrix and range -> a colour profile; empty for sRGB.

    Of samples that are red, green and blue already.  A narrow range is part of the curve.
    """
    primaries, transfer, _, full = codes
    if primaries not in PRIMARIES or transfer not in PARAMETERS | FORMULAS:
        notes.add(f"the colours of code points {primaries} and {transfer} are taken for sRGB")
        return b""
    if transfer in HDR:
        notes.add(f"high dynamic range ({HDR[transfer]}), of which many viewers show less")
    space = PRIMARIES[primaries]
    if space == SRGB and PARAMETERS.get(transfer) == SRGB_CURVE and full:
        return b""
    if full and transfer in PARAMETERS:
        curve = profiles.parametric(*PARAMETERS[transfer])
    else:
        samples = np.linspace(0, 1, TABLE_POINTS)
        if not full:
            samples = np.clip((255 * samples - 16) / 219, 0, 1)
        formula = FORMULAS.get(transfer)
        light = formula(samples) if formula else _parametric(samples, *PARAMETERS[transfer])
        curve = profiles.table(light)
    return profiles.write(space, curve, code_points=codes)


def from_gamma(gamma: float | None, space: Chromaticities | None, notes: Notes) -> bytes:
    """What PNG states without a profile -> a profile; empty for sRGB.

    Args:
        gamma: samples are light to the power of it; None if it is not stated.
        space: None if it is not stated.
        notes: of what makes no sense.
    """
    is_srgb = gamma is None or abs(gamma - SRGB_GAMMA) < SAME_GAMMA
    if is_srgb and (space is None or _close(space, SRGB)):
        return b""
    if gamma is not None and not LEAST_GAMMA <= gamma <= 1 / LEAST_GAMMA:
        notes.add(f"a gamma of {gamma:g} is not applied")
        return b""
    curve = profiles.parametric(*(SRGB_CURVE if gamma is None else (1 / gamma,)))
    try:
        return profiles.write(space or SRGB, curve)
    except (ValueError, np.linalg.LinAlgError):
        notes.add("the chromaticities make no sense and are taken for those of sRGB")
        return b""


def _close(one: Chromaticities, other: Chromaticities) -> bool:
    points = zip((one.white, *one.primaries), (other.white, *other.primaries), strict=True)
    return all(abs(a - b) < SAME_POINT for p, q in points for a, b in zip(p, q, strict=True))
