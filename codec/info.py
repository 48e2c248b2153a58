"""What a file says about itself: neither torch nor weights are needed."""

from __future__ import annotations

from dataclasses import dataclass

from bitstream import FORMAT_VERSION, BadMagic, FormatError, Tag
from bitstream.carriers.enhancement import Enhancement
from bitstream.file.fine import FinePart
from bitstream.update import shared
from codec import files
from codec.contract.decoding import DecodeOptions
from codec.files import File
from codec.opening import (
    CodedFile,
    OpenedFile,
    PackedFile,
    StandardFile,
    UpdateFile,
    open_file,
)

QUALITY_UNITS = 2
"""Headers and payloads count quality in half units."""


@dataclass(frozen=True)
class FileInfo:
    """The header of a file and the sizes of its parts.

    Attributes:
        width: pixels per row.
        height: number of rows.
        bytes: length of the file.
        bpp: bits per pixel, of the whole file.
        quality: 0 to 100, in halves; None if the file is lossless.
        model: id of the networks, hexadecimal.
        depth: bits of a sample.
        content: "webp" or "jxl" where such a bitstream stands in place of networks, else empty.
        format_version: byte 3 of the file.
        chunks: payload bytes by the name of the chunk, in lower case.
        shared_update: id of the update file that decoders need, hexadecimal; None for most files.
        pixels: CRC-32 of the decoded samples, hexadecimal, which decoders compare; None if the file
            does not say.
    """

    width: int
    height: int
    bytes: int
    bpp: float
    quality: float | None
    model: str
    format_version: int
    chunks: dict[str, int]
    shared_update: str | None = None
    pixels: str | None = None
    content: str = ""
    depth: int = 8


@dataclass(frozen=True)
class StandardInfo:
    """A JPEG, WebP or AVIF file; what only a payload has is None without one.

    Attributes:
        format: "jpeg", "webp" or "avif".
        width: pixels per row, as stored.
        height: number of rows.
        bytes: length of the file.
        bpp: bits per pixel, of the whole file.
        payload_bytes: how long the payload is.
        model: id of the networks, hexadecimal; None too if the payload cannot be read.
        quality: 0 to 100, in halves, what the filter is conditioned on; likewise.
        update_bytes: what the weight update takes of the payload; likewise.
        matches: whether the payload was made for this very picture.
    """

    format: str
    width: int
    height: int
    bytes: int
    bpp: float
    payload_bytes: int | None = None
    model: str | None = None
    quality: float | None = None
    update_bytes: int | None = None
    matches: bool | None = None


@dataclass(frozen=True)
class SharedUpdateInfo:
    """An update file, which pictures name.

    Attributes:
        bytes: length of the file.
        model: id of the networks that it changes, hexadecimal.
        format_version: byte 3 of the file.
        shared_update: the id by which pictures name it, hexadecimal.
    """

    bytes: int
    model: str
    format_version: int
    shared_update: str


AnyInfo = FileInfo | StandardInfo | SharedUpdateInfo


def probe(file: File) -> FileInfo | StandardInfo:
    """Reads what is known without the networks; the checksum is verified.

    >>> import codec
    >>> info = codec.probe("photo.nni")
    >>> info.width, info.height, info.quality
    (96, 64, 60.0)
    >>> sorted(info.chunks)
    ['content', 'pixels']

    Standard files have a payload, or not:

    >>> info = codec.probe("photo.jpg")
    >>> info.format, info.width, info.payload_bytes
    ('jpeg', 96, None)

    Args:
        file: its bytes or its name.

    Returns:
        StandardInfo for a JPEG, WebP or AVIF file (Pillow decodes it for its checksum), else
        FileInfo, from the header alone.

    Raises:
        FormatError: the bytes are not a valid file that holds a picture; the subclass says why.
        ImageError: the picture of a standard file is damaged, or 8-bit RGB does not hold it.
        OSError: it cannot be read.
    """
    found = describe(open_file(files.bytes_of(file)))
    if isinstance(found, SharedUpdateInfo):
        raise BadMagic("holds an update for pictures, and none; `nncodec info` describes it")
    return found


def describe(opened: OpenedFile) -> AnyInfo:
    """Tells what an opened file of any kind says about itself.  Raises as `probe`."""
    match opened:
        case CodedFile():
            return _coded(opened)
        case StandardFile():
            return _standard(opened)
        case UpdateFile():
            model, own = opened.update.model.hex(), opened.id.hex()
            return SharedUpdateInfo(opened.size, model, shared.VERSION, own)
        case PackedFile():
            raise BadMagic("holds weights of networks; `nncodec weights info` describes them")


def _coded(file: CodedFile) -> FileInfo:
    header, wanted = file.container.header, file.wanted
    checksum = file.container.chunks.get(Tag.PIXELS)
    fine = file.container.chunks.get(Tag.FINE)
    return FileInfo(
        width=header.width,
        height=header.height,
        bytes=file.size,
        bpp=8 * file.size / (header.width * header.height),
        quality=None if header.lossless else header.quality / QUALITY_UNITS,
        model=header.model.hex(),
        format_version=FORMAT_VERSION,
        chunks={tag.name.lower(): len(part) for tag, part in file.container.chunks.items()},
        shared_update=None if wanted is None else wanted.hex(),
        pixels=None if checksum is None else checksum.hex(),
        content=header.exact.codec if header.exact else "",
        depth=8 if fine is None else FinePart.unpack(fine).depth,
    )


def _standard(file: StandardFile) -> StandardInfo:
    """The picture is decoded by Pillow, for its checksum, and never filtered."""
    from codec.picture import standard

    pixels = standard.read_pixels(file.data, DecodeOptions().max_pixels)
    height, width, _ = pixels.shape
    size = len(file.data)
    facts = (file.carrier.NAME, width, height, size, 8 * size / (width * height))
    if file.payload is None:
        return StandardInfo(*facts)
    try:
        found = Enhancement.unpack(file.payload)
    except FormatError:
        return StandardInfo(*facts, len(file.payload), matches=False)
    return StandardInfo(
        *facts,
        len(file.payload),
        found.model.hex(),
        found.quality / QUALITY_UNITS,
        len(found.update),
        found.matches(standard.picture_of(pixels)),
    )
