"""What a file says besides its pixels, before anybody has judged it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from codec.picture.notes import OTHER, Notes, listed

DPI_PER_PX_PER_M = 0.0254


@dataclass
class Found:
    """Collected by the readers of each format; what is not there is empty.

    Attributes:
        icc: colour profile, of whatever colours.
        colour: colour profile made of what else the file says of its colours.
        exif: a TIFF structure, perhaps with the prefix of JPEG.
        xmp: a packet.
        iptc: records, or Photoshop's resources with them.
        dpi: horizontally and vertically.
        orientation: what the file's structure says in place of EXIF; 0 for nothing.
        key: the one value of stored samples that is transparent, (grey,) or (red, green, blue).
        lacks_opacity: whether a fourth channel is something else.
        covers: left, top, right, bottom of all that is seen; empty for the whole picture.
        texts: names of comments and other text.
        notes: where losses are noted.
    """

    notes: Notes = field(default_factory=Notes)
    icc: bytes = b""
    colour: bytes = b""
    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    dpi: tuple[float, float] | None = None
    orientation: int = 0
    key: tuple[int, ...] = ()
    lacks_opacity: bool = False
    covers: tuple[int, ...] = ()
    texts: list[str] = field(default_factory=list)

    def lost(self, what: str, names: Iterable[str] = ()) -> None:
        """Takes note of data that no file of this codec keeps."""
        names = list(names)
        self.notes.add(f"{what} not kept" + (f" ({listed(names)})" if names else ""), OTHER)

    def behind(self, rest: bytes, padding: bytes = b"\0") -> None:
        """Takes note of what stands behind the picture, if it is more than padding."""
        if rest.strip(padding):
            self.lost(f"{len(rest):,} bytes after the picture")

    def density(self, across: float, down: float, unit: float) -> None:
        """Dots per `unit` inches; without a unit only their ratio counts, which is a look."""
        if unit and across > 0 and down > 0:
            self.dpi = (across * unit, down * unit)
        elif across != down and across > 0 and down > 0:
            self.notes.add(f"pixels of {down:g}:{across:g}, wide to high, are shown as squares")


def opacity(samples: NDArray[np.generic], key: tuple[int, ...]) -> NDArray[np.bool_]:
    """Where samples, [h w] or [h w 3], are not the one transparent value."""
    seen: NDArray[np.bool_]
    if samples.ndim == 2:
        seen = samples != key[0]
    else:
        seen = (samples != np.array(key, samples.dtype)).any(axis=2)
    return seen
