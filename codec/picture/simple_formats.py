"""What formats with little beside their pixels say: BMP, GIF, ICO, JPEG 2000, PNM, QOI, WebP.

And what a picture of Pillow's says that has no file: its `info`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from PIL import Image

from bitstream.carriers import webp
from codec.picture import colour, iptc, isobmff, profiles
from codec.picture.found import Found
from codec.picture.profiles import SRGB, Chromaticities

EXIF_UUID, IPTC_UUID, XMP_UUID = (
    b"JpgTiffExif->JP2",
    bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38"),
    bytes.fromhex("be7acfcb97a942e89c71999491e3afac"),
)
"""Boxes of JPEG 2000 (XMP specification, part 3, section 2.1)."""
JP2_COLOURS = {12, 14, 16, 17, 18}
"""CMYK and Lab, which are converted; sRGB, greys and YCC of sRGB (ITU-T T.801, table M.25)."""
BMP_EMBEDDED, BMP_CALIBRATED = b"DEBM", bytes(4)
"""bV4CSType as it stands in the file."""
QOI_LINEAR = 1
GIF_XMP, GIF_ICC = b"\x21\xff\x0bXMP DataXMP", b"\x21\xff\x0bICCRGBG1012"
"""Application extensions (XMP specification, part 3, section 1.1.2; ICC.1:2022, annex B.6)."""
WEBP_CHUNKS = {
    b"VP8 ",
    b"VP8L",
    b"VP8X",
    b"ALPH",
    b"ANIM",
    b"ANMF",
    b"ICCP",
    b"EXIF",
    b"XMP ",
    webp.TAG,
}


def read_info(image: Image.Image, found: Found) -> None:
    """What Pillow has found."""
    info = image.info
    found.icc = _bytes(info.get("icc_profile"))
    found.exif = _bytes(info.get("exif"))
    found.xmp = _bytes(info.get("xmp") or info.get("XML:com.adobe.xmp"))
    resources = info.get("photoshop")
    if isinstance(resources, Mapping):
        found.iptc = _bytes(resources.get(iptc.RECORDS))
    found.iptc = found.iptc or _bytes(info.get("iptc"))
    _read_density(info.get("dpi"), 1, found)
    _read_density(info.get("aspect"), 0, found)
    if info.get("comment") or info.get("id_section"):
        found.texts.append("comment")
    found.texts.extend(getattr(image, "text", {}))
    if not found.icc and "srgb" not in info and ("gamma" in info or "chromaticity" in info):
        found.colour = _of_png(info, found)
    if "mp" in info and getattr(image, "n_frames", 2) > 1:
        found.notes.add("further pictures not kept (views, depth, gain maps)")
    for number, _, data in getattr(image, "resources", ()):
        _read_resource(number, data, found)
    if info.get("depth_images"):
        found.lost("depth map")
    sizes = info.get("sizes")
    if sizes and len(set(sizes)) > 1:
        found.lost(f"the icon's other {len(set(sizes)) - 1} sizes")


def _read_resource(number: int, data: bytes, found: Found) -> None:
    """One of Photoshop's image resources in a file of its own format."""
    if number == iptc.RECORDS:
        found.iptc = data
    elif number == iptc.EXIF:
        found.exif = data
    elif number == iptc.XMP:
        found.xmp = data
    elif number in iptc.CLIPPING:
        found.lost("clipping paths")


def replace_metadata(given: Mapping[str, object], found: Found) -> None:
    """Puts what a caller gives in place of what was found."""
    if "icc_profile" in given:
        found.icc, found.colour = _bytes(given["icc_profile"]), b""
    for name in ("exif", "xmp", "iptc"):
        if name in given:
            value = given[name]
            setattr(
                found, name, _bytes(value.tobytes() if isinstance(value, Image.Exif) else value)
            )
    _read_density(given.get("dpi"), 1, found)


def _read_density(value: object, unit: float, found: Found) -> None:
    """Takes a pair of numbers; see `Found.density`."""
    if isinstance(value, tuple) and len(value) == 2:
        found.density(_number(value[0]), _number(value[1]), unit)


def read_format(image: Image.Image, data: bytes, found: Found) -> None:
    """What Pillow leaves out of the file `data`."""
    reader = READERS.get(image.format or "")
    if reader is not None:
        reader(data, found)


def _of_png(info: Mapping[str | tuple[int, int], Any], found: Found) -> bytes:
    numbers = info.get("chromaticity")
    space = None
    if isinstance(numbers, tuple) and len(numbers) == 8:
        space = Chromaticities.of(numbers)
    gamma = info.get("gamma")
    return colour.from_gamma(None if gamma is None else _number(gamma), space, found.notes)


def _read_bmp(data: bytes, found: Found) -> None:
    """A profile, or end points and gammas, in a header of version 4 or 5."""
    size = int.from_bytes(data[14:18], "little")
    kind = data[70:74]
    if size < 108:
        return
    if size >= 124 and kind == BMP_EMBEDDED:
        start, length = struct.unpack_from("<II", data, 14 + 112)
        found.icc = data[14 + start : 14 + start + length]
    elif kind == BMP_CALIBRATED:
        numbers = [value / 2**30 for value in struct.unpack_from("<9i", data, 74)]
        gamma = struct.unpack_from("<I", data, 74 + 40)[0] / 65536
        if not all(sum(numbers[at : at + 3]) > 0 for at in (0, 3, 6)):
            return
        points = [numbers[at : at + 3] for at in (0, 3, 6)]
        white = [sum(values) for values in zip(*points, strict=True)]
        red, green, blue = map(_xy, points)
        space = Chromaticities(_xy(white), (red, green, blue))
        found.colour = colour.from_gamma(1 / gamma if gamma else None, space, found.notes)


def _xy(xyz: list[float]) -> tuple[float, float]:
    return xyz[0] / sum(xyz), xyz[1] / sum(xyz)


def _read_qoi(data: bytes, found: Found) -> None:
    if data[13:14] == bytes([QOI_LINEAR]):
        found.colour = profiles.write(SRGB, profiles.parametric(1.0))


def _read_jpeg_2000(data: bytes, found: Found) -> None:
    for kind, body in isobmff.boxes(data):
        if kind == b"jp2h":
            for inner, content in isobmff.boxes(body):
                if inner == b"colr":
                    _read_jp2_colour(content, found)
        elif kind == b"uuid":
            identifier, content = body[:16], body[16:]
            if identifier == EXIF_UUID:
                found.exif = content
            elif identifier == XMP_UUID:
                found.xmp = content
            elif identifier == IPTC_UUID:
                found.iptc = iptc.records(content)
            else:
                found.lost("data of a program of its own")
        elif kind == b"xml ":
            found.texts.append("XML")


def _read_jp2_colour(content: bytes, found: Found) -> None:
    if content[:1] == b"\2" and not found.icc:
        found.icc = content[3:]
    elif content[:1] == b"\1" and int.from_bytes(content[3:7], "big") not in JP2_COLOURS:
        found.notes.add("a colour space of its own is taken for sRGB")


def _read_webp(data: bytes, found: Found) -> None:
    place, end = 12, min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    unknown = []
    while place + 8 <= end:
        kind, size = struct.unpack_from("<4sI", data, place)
        if kind not in WEBP_CHUNKS:
            unknown.append(kind.decode("latin-1"))
        place += 8 + size + size % 2
    if unknown:
        found.lost("data", unknown)
    if len(data) > end + 1:
        found.lost(f"{len(data) - end:,} bytes after the picture")


def _read_pnm(data: bytes, found: Found) -> None:
    head = data[:512].split(b"\n", 8)
    if any(line.startswith(b"#") for line in head):
        found.texts.append("comment")


def _read_gif(data: bytes, found: Found) -> None:
    """XMP and a profile in application extensions, and the shape of pixels."""
    place = data.find(GIF_XMP)
    if place >= 0:  # not in blocks: it ends where every block that one might take it for ends
        end = data.find(b"\x01\xff\xfe", place)
        found.xmp = data[place + len(GIF_XMP) : max(end, place)]
    place = data.find(GIF_ICC)
    if place >= 0:
        place += len(GIF_ICC)
        while place < len(data) and data[place]:
            found.icc += data[place + 1 : place + 1 + data[place]]
            place += 1 + data[place]
    ratio = data[12:13]
    if ratio not in (b"", b"\0"):  # GIF89a, section 18
        found.density(64, ratio[0] + 15, 0)


READERS: dict[str, Callable[[bytes, Found], None]] = {
    "BMP": _read_bmp,
    "QOI": _read_qoi,
    "JPEG2000": _read_jpeg_2000,
    "WEBP": _read_webp,
    "PPM": _read_pnm,
    "GIF": _read_gif,
    "AVIF": partial(isobmff.read_properties, crops=False),
    "HEIF": partial(isobmff.read_properties, crops=True),
}


def _bytes(value: object) -> bytes:
    if isinstance(value, str):
        return value.encode()
    return bytes(value) if isinstance(value, bytes | bytearray) else b""


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0
