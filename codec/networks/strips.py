"""Large pictures in strips: the same values as at once, in bounded memory.

What a network of convolutions makes of a row depends on the rows near it only.  So each strip is
computed together with as many rows above and below (the halo), whose results are dropped.  At the
border of the picture there is no halo, and the network pads as it would pad the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch import Tensor

from codec.networks import patience

PIXELS = 2**21
"""What a strip has at most, if that makes `UNIT` rows; smaller pictures are one strip."""
UNIT = 64
"""Heights of strips are multiples, in pixels: for networks that work on coarser grids."""


@dataclass(frozen=True)
class Strip:
    """Rows of pixels.

    Attributes:
        start: the first row of the strip.
        stop: the first row below it.
        first: the first row of its halo.
        last: the first row below its halo.
    """

    start: int
    stop: int
    first: int
    last: int


def strips(height: int, width: int, halo: int) -> Iterator[Strip]:
    """The strips of a picture from top to bottom, all in pixels."""
    rows = max(1, PIXELS // (width * UNIT)) * UNIT
    for start in range(0, height, rows):
        stop = min(start + rows, height)
        yield Strip(start, stop, max(start - halo, 0), min(stop + halo, height))


def in_strips(network: Callable[[Tensor], Tensor], x: Tensor, *, halo: int, scale: int) -> Tensor:
    """What a network makes of a picture or of latents, computed strip by strip.

    Args:
        network: [b c h w] -> [b d h*r w*r] for some ratio r.
        x: its input.
        halo: rows that a result depends on above and below, in pixels.
        scale: pixels per row of `x`.
    """
    height = x.shape[2] * scale
    parts = list(strips(height, x.shape[3] * scale, halo))
    if len(parts) == 1:
        return network(x)
    result = x
    for number, strip in enumerate(parts):
        patience.check()
        y = network(x[:, :, strip.first // scale : strip.last // scale])
        step = (strip.last - strip.first) // y.shape[2]  # pixels per row of the result
        if not number:
            result = y.new_empty((*y.shape[:2], height // step, y.shape[3]))
        inner = y[:, :, (strip.start - strip.first) // step :]
        result[:, :, strip.start // step : strip.stop // step] = inner[
            :, :, : (strip.stop - strip.start) // step
        ]
    return result


def spans(count: int, size: int) -> Iterator[tuple[int, int]]:
    """0..count in pieces of `size`, the last possibly shorter."""
    for start in range(0, count, size):
        yield start, min(start + size, count)
