"""What formats with little beside their pixels say: BMP, GIF, ICO, JPEG 2000, PNM, QOI, WebP.

And what a picture of Pillow's says that has no file: its `info`.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from PIL import Image

from bitstream.carriers import webp
from codec.picture import colour, gif, iptc, isobmff, profiles, rare_formats
from codec.picture.found import Found
from codec.picture.profiles import SRGB, Chromaticities

EXIF_UUID, IPTC_UUID, XMP_UUID = (
    b"JpgTiffExif->JP2",
    bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38"),
    bytes.fromhex("be7acfcb97a942e89c71999491e3afac"),
)
"""Boxes of JPEG 2000 (XMP specification, part 3, section 2.1)."""
JP2_CODESTREAM = b"\xff\x4f\xff\x51"
JP2_BOXES = {
    b"jP  ",
    b"ftyp",
    b"jp2h",
    b"jp2c",
    b"uuid",
    b"uinf",
    b"xml ",
    b"jp2i",
    b"jpch",
    b"rreq",
}
"""Those of a file (ITU-T T.800, annex I; T.801, annex M)."""
JP2_COLOURS = {12, 14, 16, 17, 18}
"""CMYK and Lab, which are converted; sRGB, greys and YCC of sRGB (ITU-T T.801, table M.25)."""
BMP_EMBEDDED, BMP_LINKED, BMP_CALIBRATED = b"DEBM", b"KNIL", bytes(4)
"""bV4CSType as it stands in the file."""
PNM_NUMBER = rb"(?:\s|#[^\r\n]*[\r\n])+(\d{1,10})"
PNM_HEAD = {
    is_bits: re.compile(rb"P[1-6]" + PNM_NUMBER * 2 + (rb"()" if is_bits else PNM_NUMBER) + rb"\s")
    for is_bits in (False, True)
}
"""Width, height and, but for single bits, the largest value."""
BYTE = 255
QOI_LINEAR = 1
QOI_END = bytes(7) + b"\1"
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
    found.behind(data[int.from_bytes(data[2:6], "little") or len(data) :])
    if size < 108:
        return
    if size >= 124 and kind == BMP_EMBEDDED:
        start, length = struct.unpack_from("<II", data, 14 + 112)
        found.icc = data[14 + start : 14 + start + length]
    elif size >= 124 and kind == BMP_LINKED:
        found.notes.add("colour profile is a file of its own and left out", "icc")
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
    if not data.endswith(QOI_END):
        end = data.rfind(QOI_END)
        found.behind(data[end + len(QOI_END) if end > 0 else len(data) :])
    if data[13:14] == bytes([QOI_LINEAR]):
        found.colour = profiles.write(SRGB, profiles.parametric(1.0))


def _read_jpeg_2000(data: bytes, found: Found) -> None:
    if not data.startswith(JP2_CODESTREAM):
        isobmff.name_rest(data, JP2_BOXES, found)
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
        found.behind(data[end:], padding=b"")


def _read_pnm(data: bytes, found: Found) -> None:
    head = PNM_HEAD[data[1:2] in b"14"].match(data)
    if head is None:
        return
    if b"#" in head[0]:
        found.texts.append("comment")
    if data[1:2] in b"456":
        width, height, top = (int(number or 1) for number in head.groups(b"")[:3])
        row = {b"4": (width + 7) // 8, b"5": width, b"6": 3 * width}[data[1:2]]
        found.behind(data[head.end() + row * height * (2 if top > BYTE else 1) :])


READERS: dict[str, Callable[[bytes, Found], None]] = {
    "BMP": _read_bmp,
    "QOI": _read_qoi,
    "JPEG2000": _read_jpeg_2000,
    "WEBP": _read_webp,
    "PPM": _read_pnm,
    "DDS": rare_formats.read_dds,
    "GIF": gif.read_gif,
    "PSD": rare_formats.read_psd,
    "SGI": rare_formats.read_sgi,
    "TGA": rare_formats.read_tga,
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
