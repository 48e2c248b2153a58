"""What a caller may ask of `decode`; checked when it is asked, not later."""

from __future__ import annotations

from dataclasses import dataclass

from codec.errors import OptionError

SCALES = (1, 2, 4, 8)


def scale_for(size: tuple[int, int], wanted: tuple[int, int]) -> int:
    """The largest scale that leaves a picture of `size` as large as `wanted`, or larger."""
    most = min(side / least for side, least in zip(size, wanted, strict=True))
    return max((scale for scale in SCALES if scale <= most), default=1)


@dataclass(frozen=True)
class DecodeOptions:
    """How a file is decoded; no option but `scale` and `eight_bits` changes a pixel."""

    max_pixels: int | None = 2**26
    """Largest image to accept, since a few bytes can claim any size and decoding takes about 60
    bytes of memory per pixel (docs/memory.md); None leaves only the limits of the format."""
    updates: tuple[bytes, ...] = ()
    """Contents of update files (.nnu), for files that share one and name it by its hash.  What lies
    beside a file that is given by its name is found without this."""
    time_limit: float | None = None
    """Seconds after which decoding is given up, between two pieces of its work, which take a second
    or so.  None by default: `max_pixels` bounds the work already, and how long that takes is a
    matter of the machine, so that any number would refuse sound pictures on slow ones."""

    scale: int = 1
    """1, or 2, 4 or 8 for a picture whose sides are divided by that, in a fraction of the time: a
    preview, without the post-filter."""

    eight_bits: bool = False
    """Whether to give samples of 8 bits of all files: of those with more, the first eight."""

    def __post_init__(self) -> None:
        if self.time_limit is not None and not self.time_limit > 0:
            raise OptionError(f"time_limit must be positive, not {self.time_limit}")
        if self.scale not in SCALES:
            raise OptionError(f"scale must be one of 1, 2, 4, 8, not {self.scale}")
        if self.max_pixels is not None and self.max_pixels < 1:
            raise OptionError(f"max_pixels must be at least 1, not {self.max_pixels}")
