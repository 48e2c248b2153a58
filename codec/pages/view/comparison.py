"""The pictures that a file can be compared by, as PNG, and what is known of each."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from bitstream import Tag
from bitstream.carriers.enhancement import Enhancement
from codec.contract.decoding import DecodeOptions
from codec.decoding.decoder import restore
from codec.errors import ImageError
from codec.info import FileInfo, StandardInfo, describe
from codec.opening import CodedFile, OpenedFile, StandardFile
from codec.picture import standard, transparency, writing
from codec.picture.metadata import upright
from codec.picture.pixels import Pixels, psnr_db

Pictures = dict[tuple[str, str], Pixels]
"""By key and title, see `Variant`."""
WITHOUT = ("no-update", "Without update")


@dataclass(frozen=True)
class Variant:
    """One picture.

    Attributes:
        key: its name in addresses.
        title: its name for people.
        png: the picture.
        psnr_db: against the original; None if there is none, or if it is the original.
    """

    key: str
    title: str
    png: bytes
    psnr_db: float | None


@dataclass(frozen=True)
class Comparison:
    """All pictures of equal size, and the facts of the file.

    Attributes:
        info: what the file says about itself.
        width: of all pictures.
        height: of all pictures.
        parts: bytes of the parts of the file by their names, in their order.
        variants: the pictures.
        remark: why the update of a standard file is left out; empty if it is not.
    """

    info: FileInfo | StandardInfo
    width: int
    height: int
    parts: dict[str, int]
    variants: tuple[Variant, ...]
    remark: str = ""


def compare(
    opened: OpenedFile, original: Pixels | None = None, options: DecodeOptions | None = None
) -> Comparison:
    """Decodes a file, with and without its update; a standard file as any program, too.

    Args:
        opened: the file.
        original: uint8 [h w 3] or [h w 4], the picture that was encoded.
        options: limits.

    Raises:
        FormatError: not a valid file.
        ImageError: the original has another size.
    """
    info = describe(opened)
    options = options or DecodeOptions()
    restored = restore(opened, options)
    decoded = restored.pixels
    height, width, _ = decoded.shape
    if original is not None and original.shape[:2] != (height, width):
        raise ImageError(f"is not {width} x {height}, the size of the file's picture")
    if original is not None and not restored.lossless:
        original = transparency.continued(original)
    pictures = {("decoded", "Decoded"): decoded}
    if isinstance(opened, StandardFile) and isinstance(info, StandardInfo):
        pictures |= _enhanced(opened, info, options)
        parts = _parts(info)
    else:
        # For the type checker: `restore` has refused all other files.
        assert isinstance(opened, CodedFile) and isinstance(info, FileInfo)  # noqa: S101
        pictures |= _without_update(opened, options)
        parts = info.chunks
    variants = [
        Variant(
            key,
            title,
            _png(pixels),
            None if original is None else psnr_db(pixels[..., :3], original[..., :3]),
        )
        for (key, title), pixels in pictures.items()
    ]
    if original is not None:
        variants.insert(0, Variant("original", "Original", _png(original), None))
    return Comparison(info, width, height, parts, tuple(variants), restored.complaint)


def _without_update(file: CodedFile, options: DecodeOptions) -> Pictures:
    """The picture of a lossy file of this codec, less its update; nothing if it has none."""
    if Tag.UPDATE not in file.container.chunks or file.container.header.lossless:
        return {}
    return {WITHOUT: restore(file.without(Tag.UPDATE), options).pixels}


def _enhanced(file: StandardFile, info: StandardInfo, options: DecodeOptions) -> Pictures:
    """The picture of a standard file, less its update if it has one, and not filtered at all."""
    pixels = standard.read_pixels(file.data, options.max_pixels)
    pictures: Pictures = {}
    if file.payload is not None and info.matches and info.update_bytes:
        found = Enhancement.unpack(file.payload)
        base = Enhancement.of_picture(standard.picture_of(pixels), found.model, found.quality, b"")
        pictures[WITHOUT] = restore(file.carrying(base.pack()), options).pixels
    orientation = standard.read_metadata(file.data).orientation
    title = f"{file.carrier.NAME.upper()} as in any program"
    return pictures | {("plain", title): upright(pixels, orientation)}


def _parts(info: StandardInfo) -> dict[str, int]:
    """What a standard file consists of."""
    update = {"update": info.update_bytes} if info.update_bytes else {}
    return update | {info.format: info.bytes - (info.payload_bytes or 0)}


def _png(pixels: Pixels) -> bytes:
    file = BytesIO()
    writing.save_png(pixels, file)
    return file.getvalue()
