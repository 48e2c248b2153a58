"""A file -> its picture as the program writes it, shows it, or compares it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import codec
from bitstream import Container
from bitstream.carriers import carrier_of
from codec import files, update_files
from codec.contract.options import DecodeOptions
from codec.picture.metadata import Metadata, upright


@dataclass(frozen=True, eq=False)
class Restored:
    """A decoded picture.

    Attributes:
        pixels: uint8 [h w 3], RGB, or [h w 4] with transparency, as the file stores them.
        metadata: what the file says besides.
        complaint: why the update of a standard file was left out; empty if it was not.
        lossless: whether it is the very picture that was encoded.
    """

    pixels: NDArray[np.uint8]
    metadata: Metadata
    complaint: str = ""
    lossless: bool = False

    @property
    def upright(self) -> NDArray[np.uint8]:
        """The pixels as they are shown."""
        return upright(self.pixels, self.metadata.orientation)


def restore_file(name: str, options: DecodeOptions) -> Restored:
    """Decodes a file, or standard input, with the update file that lies beside it if it names one.

    Raises:
        FormatError: it is no such file, or damaged, or its update file is not there.
        OSError: it cannot be read.
    """
    data = files.read(name)
    return restore(data, update_files.beside(data, name, options))


def restore(data: bytes, options: DecodeOptions) -> Restored:
    """Decodes a file of this codec, or a standard file that carries a payload.

    A complaint is returned, not warned of: jobs run in other processes and threads.

    Raises:
        FormatError: it is neither, or damaged.
    """
    if carrier_of(data) is None:
        container = Container.unpack(data)
        metadata = Metadata.of_chunks(container.chunks)
        decoded = codec.decode(data, options)
        return Restored(decoded, metadata, lossless=container.header.lossless)
    from codec.decoding import enhanced
    from codec.picture import standard

    pixels, complaint = enhanced.restore(data, options.max_pixels)
    return Restored(pixels, standard.read_metadata(data), complaint)
