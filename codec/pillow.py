"""The plugin for Pillow: `Image.open("photo.nni")` and `im.save("photo.nni", quality=60)`.

Pillow loads no plugin by itself, so a program calls `codec.register_pillow()` once.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields, replace
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any

from PIL import Image, ImageFile

from bitstream import MAGIC, FormatError, Tag
from bitstream.file.preview import preview
from codec import update_files
from codec.contract.decoding import DecodeOptions, scale_for
from codec.contract.modes import mode_of
from codec.contract.options import EncodeOptions
from codec.errors import CodecError
from codec.opening import open_file
from codec.picture import reading
from codec.picture.metadata import Metadata

if TYPE_CHECKING:
    from PIL._imaging import PixelAccess

FORMAT = "NNI"
SUFFIX = ".nni"
METADATA = ("icc_profile", "exif", "xmp", "iptc", "dpi")
"""What `save` takes besides options."""


def register_pillow(
    max_pixels: int | None = DecodeOptions().max_pixels, time_limit: float | None = None
) -> None:
    """Teaches Pillow to open and save files of this codec.

    >>> import codec
    >>> from PIL import Image
    >>> codec.register_pillow()
    >>> picture = Image.open("photo.nni")
    >>> picture.format, picture.mode, picture.size
    ('NNI', 'RGB', (96, 64))
    >>> picture.save("copy.nni", quality=60, effort=0)

    `open` reads the header and the metadata only; the picture is decoded when its pixels are first
    needed, which raises OSError if the file is damaged.  Colour profile, EXIF, XMP, IPTC and dots
    per inch are in `info` as "icc_profile", "exif", "xmp", "iptc" and "dpi".  `save` takes these,
    in place of the picture's own, the fields of `codec.EncodeOptions`, and in place of its `mode`
    the options "quality", "target", "content" and "lossless".  An EXIF orientation is applied to a
    picture as it was opened, not to what was made of it.

    Args:
        max_pixels: largest picture to decode; see `codec.DecodeOptions`.
        time_limit: seconds after which decoding is given up; likewise.
    """
    NniImageFile.decode_options = DecodeOptions(max_pixels, time_limit=time_limit)
    Image.register_open(FORMAT, NniImageFile, _accept)
    Image.register_save(FORMAT, _save)
    Image.register_extension(FORMAT, SUFFIX)
    Image.register_mime(FORMAT, "image/x-nni")


class NniImageFile(ImageFile.ImageFile):
    """A file whose picture is not decoded yet."""

    format = FORMAT
    format_description = "nncodec learned image"
    decode_options = DecodeOptions()
    _scale = 1

    def _open(self) -> None:
        assert self.fp is not None  # noqa: S101 (for the type checker)
        try:
            found = preview(self.fp)
            metadata = Metadata.of_chunks(found.ancillary)
        except FormatError as error:
            # This is how a plugin tells Pillow that a file is not one that it can open.
            raise SyntaxError(str(error)) from error
        exact = found.header.exact
        opacity = Tag.ALPHA in found.lengths or (exact is not None and exact.channels == 4)
        self._mode = "RGBA" if opacity else "RGB"
        self._size = (found.header.width, found.header.height)
        self.info.update(metadata.info().items())
        # Something must stand here, or Pillow takes the pixels for loaded.
        self.tile = [self._raw_tile()]

    def draft(
        self, mode: str | None, size: tuple[int, int] | None
    ) -> tuple[str, tuple[int, int, float, float]] | None:
        """Settles for a smaller picture of at least that size, as `Image.thumbnail` asks for it."""
        if not self.tile or size is None or self._scale > 1:
            return None
        width, height = self.size
        self._scale = scale_for(self.size, size)
        if self._scale == 1:
            return None
        self._size = (-(-width // self._scale), -(-height // self._scale))
        self.tile = [self._raw_tile()]
        return self.mode, (0, 0, width / self._scale, height / self._scale)

    def load(self) -> PixelAccess | None:
        """Decodes the picture, once; Pillow's own loader then reads it as raw pixels."""
        if self.tile and self.fp is not None:
            from codec.decoding.decoder import restore

            self.fp.seek(0)
            try:
                opened = open_file(self.fp.read())
                options = update_files.beside(
                    opened, os.fsdecode(self.filename), self.decode_options
                )
                pixels = restore(
                    opened, replace(options, scale=self._scale, eight_bits=True)
                ).pixels
            except (FormatError, CodecError) as error:
                raise OSError(str(error)) from error
            if self._exclusive_fp:
                self.fp.close()
            self.fp = BytesIO(pixels.tobytes())
            self.tile = [self._raw_tile()]
        return super().load()

    def load_seek(self, position: int) -> None:
        """Says that no other code may decode the tile; Pillow's `Parser` asks for this method."""
        assert self.fp is not None  # noqa: S101 (for the type checker)
        self.fp.seek(position)

    def _raw_tile(self) -> ImageFile._Tile:
        return ImageFile._Tile("raw", (0, 0, *self.size), 0, (self.mode, 0, 1))


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(MAGIC)


def _save(picture: Image.Image, file: IO[bytes], _name: str | bytes) -> None:
    from codec.api.encoding import encode

    given = picture.encoderinfo
    mode = mode_of(**_among(given, "quality", "target", "content", "lossless"))
    names = [field.name for field in fields(EncodeOptions) if field.name != "mode"]
    options = EncodeOptions(mode, **_among(given, *names))
    try:
        raster = reading.from_pillow(picture, _among(given, *METADATA))
        file.write(encode(raster, options).data)
    except CodecError as error:
        if isinstance(error, ValueError):  # an option that cannot be met
            raise
        raise OSError(f"cannot write as {FORMAT}: {error}") from error


def _among(given: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """What is given under these names."""
    return {name: given[name] for name in names if name in given}
