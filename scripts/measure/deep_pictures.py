"""Ten pictures of more than 8 bits a sample, made of others of 8 bits and of equations.

Means of 3 x 3 or 4 x 4 pixels in linear light, exact to a part of 2**16, have as many bits
as they need: nothing of them is made up.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Deep = NDArray[np.uint16]
"""uint16 [h w 3]."""
PHOTOGRAPHS = (
    "unsplash_popos_008_f",
    "ccbysa_stunning_020_f",
    "cc0_budgie_013_f",
    "cc0_oceanic17_015_f",
    "ccbysa_solus_016_f",
    "unsplash_elementary_007_f",
    "mei_mei_242_f",
    "ccbysa_stunning_014_f",
)
"""Of the training pictures, none of which is one that anything else is measured on."""
TOP = 65535


def deep_pictures(folder: Path) -> Iterator[tuple[str, Deep]]:
    """Names and pictures; `folder` has the photographs, in folders of its own or not.

    Raises:
        OSError: one is not there.
    """
    sources = [_photograph(folder, name) for name in PHOTOGRAPHS]
    for number, factor in enumerate((3, 3, 4)):
        light = _mean_light(sources[number], factor)
        yield f"photo-{number + 1}-16", _of_light(_curved(light), TOP)
    yield "linear-16", _of_light(_mean_light(sources[3], 3), TOP)
    yield "photo-12", _repeated(_of_light(_curved(_mean_light(sources[4], 3)), 2**12 - 1), 12)
    ten = _of_light(_curved(_mean_light(sources[5], 3)), 2**10 - 1)
    yield "photo-10", _scaled(ten, 10)
    yield "linear-12", _of_light(_mean_light(sources[6], 4), 2**12 - 1) << np.uint16(4)
    grey = _curved(_mean_light(sources[7], 3) @ (0.2126, 0.7152, 0.0722))
    yield "grey-16", np.ascontiguousarray(np.dstack([_of_light(grey, TOP)] * 3))
    yield "render-16", _render()
    yield "sky-16", _sky()


def _photograph(folder: Path, name: str) -> NDArray[np.uint8]:
    found = sorted(folder.rglob(f"{name}.jpg"))
    if not found:
        raise FileNotFoundError(f"{folder}: no {name}.jpg")
    return np.asarray(Image.open(found[0]).convert("RGB"))


def _mean_light(pixels: NDArray[np.uint8], factor: int) -> NDArray[np.float64]:
    """Means of the light of squares of pixels, 0 to 1."""
    values = np.arange(256) / 255
    light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)[pixels]
    height, width = (side // factor for side in pixels.shape[:2])
    squares = light[: height * factor, : width * factor].reshape(height, factor, width, factor, 3)
    return squares.mean((1, 3))


def _curved(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light by the curve of sRGB."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def _of_light(values: NDArray[np.float64], top: int) -> Deep:
    return np.rint(values * top).astype(np.uint16)


def _repeated(values: Deep, bits: int) -> Deep:
    """Bits followed by the first of them."""
    return values << np.uint16(16 - bits) | values >> np.uint16(2 * bits - 16)


def _scaled(values: Deep, bits: int) -> Deep:
    """The nearest of 0..65535."""
    return np.rint(values * (TOP / (2**bits - 1))).astype(np.uint16)


def _render() -> Deep:
    """Balls under a lamp on a chequered floor, with the noise of few rays."""
    height, width = 320, 480
    y, x = np.mgrid[:height, :width].astype(np.float64)
    depth = 200 / (y + 40)
    chequers = (np.floor(x * depth / 40) + np.floor(60 * depth)) % 2
    picture = (0.15 + 0.5 * chequers / (1 + depth))[..., None] * (0.9, 0.8, 0.7)
    for row, column, radius, colour in (
        (110, 130, 80, (0.9, 0.3, 0.2)),
        (190, 300, 100, (0.2, 0.5, 0.9)),
        (90, 400, 50, (0.8, 0.8, 0.3)),
    ):
        away = ((y - row) ** 2 + (x - column) ** 2) / radius**2
        inside = away < 1
        up = np.sqrt(np.maximum(1 - away, 0))
        shade = 0.1 + 0.8 * np.maximum(0.6 * up - 0.5 * (y - row) / radius, 0)
        shine = 0.4 * np.maximum(up - 0.4 * (x - column) / radius, 0)[..., None] ** 20
        picture = np.where(inside[..., None], shade[..., None] * colour + shine, picture)
    noise = np.random.default_rng(1).normal(0, 0.002, picture.shape) * np.sqrt(picture + 0.01)
    return _of_light(_curved(np.clip(picture + noise, 0, 1)), TOP)


def _sky() -> Deep:
    """A gradient with soft clouds, without noise."""
    height, width = 320, 480
    y, x = np.mgrid[:height, :width] / height
    clouds = sum(
        np.sin(2**octave * (5 * x + 2 * np.sin(3 * y + octave)))
        * np.cos(2**octave * (7 * y + octave))
        / 2**octave
        for octave in range(5)
    )
    cover = 1 / (1 + np.exp(-4 * clouds))[..., None]
    blue = np.dstack([0.15 + 0.3 * y, 0.35 + 0.3 * y, 0.7 + 0.2 * y])
    return _of_light(blue * (1 - 0.7 * cover) + 0.6 * cover, TOP)
