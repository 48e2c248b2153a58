"""PNG files (third edition): what shows the picture for Pillow, the rest read here.

Pillow refuses a picture for a fault in anything that stands beside it, and keeps the transparent
value of few kinds of samples.  So it gets a file that holds nothing else.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from bitstream.limits import MAX_METADATA_BYTES
from codec.errors import ImageError
from codec.picture import colour, iptc
from codec.picture.found import DPI_PER_PX_PER_M, Found
from codec.picture.profiles import Chromaticities

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PICTURE = {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
ANIMATION = {b"acTL", b"fcTL", b"fdAT"}
GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
"""Colour types."""
XMP_KEYWORD = b"XML:com.adobe.xmp"
RAW_PROFILE = b"Raw profile type "
RAW_PROFILES = {"exif", "app1", "xmp", "iptc", "8bim", "icc", "icm"}
APPLES_OWN = b"CgBI"
"""What the tools of iOS make of PNG: colours in another order, and no longer of the format."""
SAYS_NOTHING = {b"sBIT", b"hIST", b"sTER", b"IDOT", b"iDOT", b"vpAg"}
"""Chunks about precision, statistics and speed."""
NAMES = {
    b"bKGD": "background colour",
    b"tIME": "time of change",
    b"sPLT": "suggested palette",
    b"oFFs": "position on a page",
    b"pCAL": "physical scale",
    b"sCAL": "physical scale",
    b"caBX": "content credentials",
}


@dataclass(frozen=True)
class Chunk:
    """A chunk; `sound` says whether its checksum is right."""

    kind: bytes
    data: bytes
    sound: bool

    def packed(self) -> bytes:
        """As it stands in a file."""
        body = self.kind + self.data
        return struct.pack(">I", len(self.data)) + body + struct.pack(">I", zlib.crc32(body))


def split(data: bytes, found: Found, *, truncated: bool) -> bytes:
    """The picture alone, as a PNG file, and what stands beside it in `found`.

    Grey with opacity of 16 bits becomes red, green, blue and opacity of 8: the same bytes, so that
    Pillow reads them; see `is_grey_alpha_16`.

    Raises:
        ImageError: a chunk of the picture is damaged or cut short, and `truncated` does not say
            that what is there will do.
    """
    kept: list[Chunk] = []
    beside: list[Chunk] = []
    try:
        for chunk in _chunks(data, found):
            critical = chunk.kind in PICTURE | ANIMATION
            if critical and not chunk.sound:
                raise ImageError(
                    f"is damaged in chunk {chunk.kind.decode()}: its checksum is wrong"
                )
            (kept if critical or chunk.kind == b"tRNS" else beside).append(chunk)
    except ImageError as error:
        if not truncated:
            raise ImageError(f"{error}; --truncated takes what is there") from error
        found.notes.add("cut short or damaged: what could not be read is made up")
        kept.append(Chunk(b"IEND", b"", True))
    if any(chunk.kind == APPLES_OWN for chunk in beside):
        raise ImageError("is a PNG that only iOS reads (CgBI); convert it first")
    if not kept or kept[0].kind != b"IHDR" or len(kept[0].data) != 13:
        raise ImageError("is a damaged image: it does not begin with its header")
    _read_beside(beside, found)
    return SIGNATURE + b"".join(chunk.packed() for chunk in _shown(kept, found))


def is_grey_alpha_16(data: bytes) -> bool:
    """Whether a file has grey and opacity of 16 bits each."""
    return data.startswith(SIGNATURE) and data[24:26] == bytes([16, GREY_ALPHA])


def _chunks(data: bytes, found: Found) -> Iterator[Chunk]:
    """All chunks up to the last; raises ImageError where the file ends too soon."""
    place = len(SIGNATURE)
    while place + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        end = place + 12 + length
        if end > len(data):
            if kind == b"IDAT":  # of use to who takes what is there
                yield Chunk(kind, data[place + 8 :], True)
            break
        body = data[place + 8 : end - 4]
        stated = int.from_bytes(data[end - 4 : end], "big")
        yield Chunk(kind, body, zlib.crc32(kind + body) == stated)
        place = end
        if kind == b"IEND":
            found.behind(data[place:], padding=b"\0\r\n")
            return
    raise ImageError("is a damaged image: cut short")


def _shown(kept: list[Chunk], found: Found) -> Iterator[Chunk]:
    """The chunks that Pillow is to see."""
    head = kept[0].data
    depth, kind = head[8], head[9]
    is_animated = any(chunk.kind == b"fcTL" for chunk in kept)
    for chunk in kept:
        if chunk.kind in ANIMATION and not is_animated:
            continue  # its frames were taken out
        if chunk.kind == b"IHDR" and (depth, kind) == (16, GREY_ALPHA):
            yield Chunk(b"IHDR", head[:8] + bytes([8, RGB_ALPHA]) + head[10:], True)
        elif chunk.kind != b"tRNS":
            yield chunk
        elif not chunk.sound or not _read_transparency(chunk, depth, kind, found):
            found.notes.add("transparency is damaged and left out")
        elif kind == PALETTE:
            yield chunk


def _read_transparency(chunk: Chunk, depth: int, kind: int, found: Found) -> bool:
    if kind == PALETTE:
        return True
    count = {GREY: 1, RGB: 3}.get(kind, 0)
    if not count or len(chunk.data) < 2 * count:
        return False
    top = 2**depth - 1
    scale = 255 // top if depth <= 8 else 1  # Pillow shows few bits as 8
    values = struct.unpack_from(f">{count}H", chunk.data)
    found.key = tuple((value & top) * scale for value in values)
    return True


def _read_beside(chunks: list[Chunk], found: Found) -> None:
    parts: dict[bytes, bytes] = {}
    seen: set[bytes] = set()
    damaged, dropped = [], []
    for chunk in chunks:
        if not chunk.sound:
            damaged.append(chunk.kind.decode("latin-1"))
        elif chunk.kind in (b"tEXt", b"zTXt", b"iTXt"):
            _read_text(chunk, found, seen)
        elif chunk.kind in READERS or chunk.kind in (b"gAMA", b"cHRM", b"sRGB", b"cICP", b"iCCP"):
            parts.setdefault(chunk.kind, chunk.data)
        elif chunk.kind in (b"mDCV", b"mDCv", b"cLLI", b"cLLi"):
            dropped.append("brightness of the screen it was made on")
        elif chunk.kind not in SAYS_NOTHING:
            dropped.append(NAMES.get(chunk.kind, f"chunk {chunk.kind.decode('latin-1')}"))
    for kind, read in READERS.items():
        if kind in parts and not read(parts[kind], found):
            damaged.append(kind.decode())
    _read_colour(parts, found, damaged)
    if damaged:
        found.lost("damaged chunks", damaged)
    if dropped:
        found.lost("data", dict.fromkeys(dropped))


def _read_density(data: bytes, found: Found) -> bool:
    if len(data) < 9:
        return False
    across, down, unit = struct.unpack_from(">IIB", data)
    found.density(across, down, DPI_PER_PX_PER_M if unit == 1 else 0)
    return True


def _read_exif(data: bytes, found: Found) -> bool:
    found.exif = data
    return True


READERS = {b"pHYs": _read_density, b"eXIf": _read_exif}


def _read_colour(parts: dict[bytes, bytes], found: Found, damaged: list[str]) -> None:
    """The most exact description of colours wins: cICP, iCCP, sRGB, then gAMA and cHRM."""
    codes = parts.get(b"cICP", b"")
    if codes and (len(codes) != 4 or codes[2] != colour.IDENTITY):
        damaged.append("cICP")
    elif codes:
        found.icc = b""
        found.colour = colour.from_code_points(codes, found.notes)
        return
    if b"iCCP" in parts:
        _, _, rest = parts[b"iCCP"].partition(b"\0")
        found.icc = _inflated(rest[1:]) if rest[:1] == b"\0" else b""
        if found.icc:
            return
        damaged.append("iCCP")
    if found.icc or b"sRGB" in parts:
        return
    gamma = space = None
    if len(parts.get(b"gAMA", b"")) >= 4:
        gamma = struct.unpack_from(">I", parts[b"gAMA"])[0] / 1e5
    if len(parts.get(b"cHRM", b"")) >= 32:
        numbers = [value / 1e5 for value in struct.unpack_from(">8I", parts[b"cHRM"])]
        space = Chromaticities.of(numbers)
    found.colour = colour.from_gamma(gamma, space, found.notes)


def _read_text(chunk: Chunk, found: Found, seen: set[bytes]) -> None:
    """Text that is not looked at, and what says the same once more, is not decompressed."""
    keyword, _, rest = chunk.data.partition(b"\0")
    if keyword in seen or not (keyword == XMP_KEYWORD or _names_raw_profile(keyword)):
        found.texts.append(keyword.decode("latin-1"))
        return
    seen.add(keyword)
    text: bytes = rest
    if chunk.kind == b"zTXt":
        text = _inflated(rest[1:])
    elif chunk.kind == b"iTXt":
        compressed, rest = rest[:1] == b"\1", rest[2:]
        _, _, rest = rest.partition(b"\0")
        _, _, rest = rest.partition(b"\0")
        text = _inflated(rest) if compressed else rest
    if keyword == XMP_KEYWORD and text:
        found.xmp = text
    elif not _read_raw_profile(keyword, text, found):
        found.texts.append(keyword.decode("latin-1"))


def _names_raw_profile(keyword: bytes) -> bool:
    return (
        keyword.startswith(RAW_PROFILE)
        and keyword.removeprefix(RAW_PROFILE).decode("latin-1").lower() in RAW_PROFILES
    )


def _read_raw_profile(keyword: bytes, text: bytes, found: Found) -> bool:
    """What ImageMagick and ExifTool put into text: a name, a length, and hexadecimal digits."""
    kind = keyword.removeprefix(RAW_PROFILE).decode("latin-1").lower()
    try:
        _, _, digits = text.split(None, 2)
        data = bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        return False
    if kind in ("exif", "app1") and (data[:4] == b"Exif" or data[:2] in (b"II", b"MM")):
        found.exif = found.exif or data
    elif kind in ("xmp", "app1") and data:
        found.xmp = found.xmp or data[data.find(b"\0") + 1 if data[:4] == b"http" else 0 :]
    elif kind in ("iptc", "8bim") and iptc.records(data):
        found.iptc = found.iptc or iptc.records(data)
    elif kind in ("icc", "icm") and data:
        found.icc = found.icc or data
    else:
        return False
    return True


def _inflated(data: bytes) -> bytes:
    """What was compressed; empty if that is damaged, or too much."""
    inflate = zlib.decompressobj()
    try:
        text = inflate.decompress(data, MAX_METADATA_BYTES)
    except zlib.error:
        return b""
    return b"" if inflate.unconsumed_tail else text
