"""What decoding gives, and who may see it how."""

from __future__ import annotations

from dataclasses import dataclass

from codec.picture.metadata import Metadata
from codec.picture.pixels import Samples


@dataclass(frozen=True, eq=False)
class Restored:
    """A decoded picture.

    Attributes:
        pixels: uint8 [h w 3], RGB, or [h w 4] with transparency, the right way up; uint16 of a file
            without loss whose samples have more than 8 bits.
        metadata: what the file says besides.
        complaint: why the update of a standard file was left out; empty if it was not.
        lossless: whether it is the very picture that was encoded.
    """

    pixels: Samples
    metadata: Metadata
    complaint: str = ""
    lossless: bool = False
