"""The plugin for Pillow: `Image.open("photo.nni")` and `im.save("photo.nni", quality=60)`.

Pillow loads no plugin by itself, so a program calls `codec.register_pillow()` once.
"""

from __future__ import annotations

from dataclasses import fields
from io import BytesIO
from typing import IO

from PIL import Image, ImageFile

from bitstream import FORMAT_VERSION, MAGIC, FormatError, Header
from bitstream.wire import ByteReader
from codec import image, update_files
from codec.errors import CodecError
from codec.options import DecodeOptions, EncodeOptions

FORMAT = "NNI"
SUFFIX = ".nni"
HEAD_BYTES = 32
"""More than magic, version and header can take."""


def register_pillow(max_pixels: int | None = DecodeOptions().max_pixels) -> None:
    """Teaches Pillow to open and save files of this codec.

    >>> import codec
    >>> from PIL import Image
    >>> codec.register_pillow()
    >>> picture = Image.open("photo.nni")
    >>> picture.format, picture.mode, picture.size
    ('NNI', 'RGB', (96, 64))
    >>> picture.save("copy.nni", quality=60, effort=0)

    `open` reads the header only; the picture is decoded when its pixels are first needed, which
    raises OSError if the file is damaged.  `save` takes the fields of `codec.EncodeOptions`.

    Args:
        max_pixels: largest picture to decode; see `codec.DecodeOptions`.
    """
    NniImageFile.decode_options = DecodeOptions(max_pixels)
    Image.register_open(FORMAT, NniImageFile, _accept)
    Image.register_save(FORMAT, _save)
    Image.register_extension(FORMAT, SUFFIX)
    Image.register_mime(FORMAT, "image/x-nni")


class NniImageFile(ImageFile.ImageFile):
    """A file whose picture is not decoded yet."""

    format = FORMAT
    format_description = "nncodec learned image"
    decode_options = DecodeOptions()

    def _open(self) -> None:
        head = self.fp.read(HEAD_BYTES)
        # SyntaxError is how a plugin tells Pillow that a file is not one that it can open.
        if not _accept(head) or head[len(MAGIC) :][:1] != bytes([FORMAT_VERSION]):
            raise SyntaxError(f"not an {FORMAT} file of version {FORMAT_VERSION}")
        try:
            header = Header.unpack(ByteReader(head[len(MAGIC) + 1 :]))
        except FormatError as error:
            raise SyntaxError(str(error)) from error
        self._mode = "RGB"
        self._size = (header.width, header.height)
        # Something must stand here, or Pillow takes the pixels for loaded.
        self.tile = [_raw_tile(self.size)]

    def load(self) -> object:
        """Decodes the picture, once; Pillow's own loader then reads it as raw pixels."""
        if self.tile and self.fp is not None:
            import codec

            self.fp.seek(0)
            try:
                data = self.fp.read()
                options = update_files.beside(data, self.filename, self.decode_options)
                pixels = codec.decode(data, options)
            except (FormatError, CodecError) as error:
                raise OSError(str(error)) from error
            if self._exclusive_fp:
                self.fp.close()
            self.fp = BytesIO(pixels.tobytes())
            self.tile = [_raw_tile(self.size)]
        return super().load()


def _raw_tile(size: tuple[int, int]) -> ImageFile._Tile:
    return ImageFile._Tile("raw", (0, 0, *size), 0, ("RGB", 0, 1))


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(MAGIC)


def _save(picture: Image.Image, file: IO[bytes], _name: str | bytes) -> None:
    import codec

    names = {field.name for field in fields(EncodeOptions)}
    asked = {name: value for name, value in picture.encoderinfo.items() if name in names}
    try:
        file.write(codec.encode(image.from_pillow(picture), EncodeOptions(**asked)).data)
    except CodecError as error:
        if isinstance(error, ValueError):  # an option out of its range
            raise
        raise OSError(f"cannot write as {FORMAT}: {error}") from error
