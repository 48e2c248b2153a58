"""Files to pictures, and what files say of them."""

from __future__ import annotations

import os
import warnings

from bitstream import BadMagic
from codec import files, update_files
from codec.contract.decoding import DecodeOptions
from codec.decoding import decoder
from codec.decoding.restored import Restored
from codec.errors import ForeignUpdateWarning
from codec.files import File
from codec.opening import CodedFile, StandardFile, open_file
from codec.picture.metadata import Metadata
from codec.picture.pixels import Samples


def read_metadata(file: File) -> Metadata:
    """Reads the colour profile, EXIF, XMP and IPTC of a file; the networks are not needed.

    They are those of the picture the right way up, as `decode` gives it.

    >>> import codec
    >>> codec.read_metadata("photo.nni").icc
    b''

    Args:
        file: bytes or name of a file of this codec, or of a JPEG, WebP or AVIF file.

    Raises:
        FormatError: not a valid file.
        OSError: it cannot be read.
    """
    match open_file(files.bytes_of(file)):
        case CodedFile(container=container):
            return Metadata.of_chunks(container.chunks)
        case StandardFile(data=data):
            from codec.picture import standard

            return standard.read_metadata(data).upright()
        case _:
            raise BadMagic("holds no picture")


def decode(file: File, options: DecodeOptions | None = None) -> Samples:
    """Decodes a file: one of this codec, or a standard file that carries a payload.

    >>> import codec
    >>> pixels = codec.decode("photo.nni")
    >>> pixels.shape, pixels.dtype
    ((64, 96, 3), dtype('uint8'))

    Args:
        file: its bytes or its name.
        options: limits, and update files; none changes a pixel.  An update file (.nnu) that lies
            beside a file given by its name is found without them.

    Returns:
        uint8 [h w 3], RGB, or [h w 4], RGBA, if the file has transparency; the right way up, also
        of a standard file that is stored otherwise.  uint16 of a lossless file whose samples have
        more than 8 bits, 0 to 65535.

    Raises:
        FormatError: not a valid file, or one that needs a model or version that is not here.
        OSError: it cannot be read.

    Warns:
        ForeignUpdateWarning: what a standard file carries is not for its picture, or not for this
            program; then it is decoded without.
    """
    restored = restore(file, options)
    if restored.complaint:
        warnings.warn(restored.complaint, ForeignUpdateWarning, stacklevel=2)
    return restored.pixels


def restore(file: File, options: DecodeOptions | None = None) -> Restored:
    """Decodes a file as `decode` does, and gives all that is known of its picture.

    >>> import codec
    >>> restored = codec.restore("photo.nni")
    >>> restored.pixels.shape, restored.lossless, restored.metadata.icc
    ((64, 96, 3), False, b'')

    A complaint about an update is part of the result, not a warning.

    Args:
        file: its bytes or its name; "-" is standard input.
        options: as for `decode`.

    Raises:
        FormatError: not a valid file, or one that needs a model or version that is not here.
        OSError: it cannot be read.
    """
    opened, options = open_file(files.bytes_of(file)), options or DecodeOptions()
    if isinstance(file, str | os.PathLike):
        options = update_files.beside(opened, file, options)
    return decoder.restore(opened, options)
