"""Pictures with an alpha channel: the colours and the opacity, one apart from the other.

Colours under full transparency are never seen.  What pictures hold there is often noise or black,
which would cost many bits and spoil the blocks at the edges; lossy files hold a smooth continuation
of what is seen in its place.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Samples = NDArray[np.uint8]
OPAQUE, GREY = 255, 128
DEEPENED = 257
"""An opacity of 16 bits, in place of one of 8."""


def split_opacity(samples: Samples) -> tuple[Samples, Samples | None]:
    """Colours and opacity of uint8 [h w 3] or [h w 4]: uint8 [h w 3], and [h w] or None.

    Without transparency there is no opacity.
    """
    if samples.shape[2] == 3:
        return samples, None
    pixels, alpha = samples[..., :3], samples[..., 3]
    opaque = alpha.min() == OPAQUE
    return np.ascontiguousarray(pixels), None if opaque else np.ascontiguousarray(alpha)


def join_opacity(pixels: Samples, alpha: Samples | None) -> Samples:
    """Inverse of `split_opacity`."""
    return pixels if alpha is None else np.dstack([pixels, alpha])


def deepened(colours: NDArray[np.uint16], alpha: Samples | None) -> NDArray[np.uint16]:
    """Colours of 16 bits with an opacity of 8: uint16 [h w 3], or [h w 4] if there is one."""
    return colours if alpha is None else np.dstack([colours, alpha * np.uint16(DEEPENED)])


def continued(samples: Samples) -> Samples:
    """The same samples as a lossy file holds them: uint8 [h w 3] or [h w 4]."""
    pixels, alpha = split_opacity(samples)
    return samples if alpha is None else join_opacity(fill(pixels, alpha > 0), alpha)


def fill(pixels: Samples, seen: NDArray[np.bool_]) -> Samples:
    """Continues a picture smoothly where it is not seen.

    Coarser and coarser means of what is seen, taken back where there is nothing finer (Gortler et
    al., "The Lumigraph", SIGGRAPH 1996, section 3.4: pull and push).

    Args:
        pixels: uint8 [h w 3].
        seen: bool [h w].
    """
    if seen.all():
        return pixels
    if not seen.any():
        return np.full_like(pixels, GREY)
    picture = Image.fromarray(join_opacity(pixels, seen * np.uint8(OPAQUE)))
    half = np.asarray(picture.reduce(2))
    coarse = Image.fromarray(fill(half[..., :3], half[..., 3] > 0))
    rest = np.asarray(coarse.resize(picture.size, Image.Resampling.BILINEAR))
    return np.where(seen[..., None], pixels, rest)
