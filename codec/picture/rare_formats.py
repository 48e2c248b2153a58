"""What Pillow leaves out of files of Photoshop, TGA, DDS and SGI.

Adobe Photoshop File Formats Specification; Truevision TGA File Format Specification 2.0; DDS as
Microsoft documents it; "The SGI Image File Format" 1.00.
"""

from __future__ import annotations

import struct

from codec.picture.found import Found

DUOTONE, MULTICHANNEL = 8, 7
PSD_COLOURS = {1: 1, 3: 3, 4: 4, 9: 3}
"""Channels of colours by the mode of a Photoshop file: greys, RGB, CMYK, Lab."""
NO_OPACITY = "channels besides the colours not kept"

TGA_FOOTER = b"TRUEVISION-XFILE.\0"
TGA_EXTENSION_BYTES = 495
TGA_USEFUL, TGA_MULTIPLIED = 3, 4
"""Kinds of opacity that an extension area states; below, it is none."""

CUBE_OR_VOLUME = 0x200 | 0x200000
HALF_FLOATS = {95, 96}
"""Formats of DXGI that Pillow cuts to 8 bits."""


def read_psd(data: bytes, found: Found) -> None:
    """Layers, inks, and channels that are none of the picture's."""
    channels, mode = struct.unpack_from(">H8x2xH", data, 12)
    layers = _layers(data)
    if layers:
        found.lost("Photoshop's layers")
    if mode == DUOTONE:
        found.notes.add("inks of a duotone not kept, shown in greys")
    elif mode == MULTICHANNEL:
        found.notes.add("inks of its own not kept, the first shown in greys")
    more = channels - PSD_COLOURS.get(mode, channels)
    found.lacks_opacity = layers >= 0
    if more > 1 or (more and not (layers < 0 and mode == 3)):
        found.notes.add(NO_OPACITY)


def _layers(data: bytes) -> int:
    """How many there are, negative if the first channel behind the colours is the opacity."""
    place = 26
    for _ in range(2):  # past the colours of a palette, and the resources
        place += 4 + int.from_bytes(data[place : place + 4], "big")
    size, _, count = struct.unpack_from(">IIh", data.ljust(place + 10, b"\0"), place)
    return count if size else 0


def read_tga(data: bytes, found: Found) -> None:
    """Opacity that is none, and what the extension area says."""
    bits, flags = data[16], data[17]
    place = int.from_bytes(data[-26:-22], "little") if data.endswith(TGA_FOOTER) else 0
    area = data[place : place + TGA_EXTENSION_BYTES] if place else b""
    kind = area[494] if len(area) == TGA_EXTENSION_BYTES else None
    found.lacks_opacity = not flags & 15 if kind is None else kind < TGA_USEFUL
    if bits == 32 and found.lacks_opacity:
        found.notes.add(NO_OPACITY)
    if kind is None:
        return
    if bits == 32 and kind == TGA_MULTIPLIED:
        found.notes.add("colours that were multiplied by the opacity are not divided again")
    if any(area[2:367].replace(b" ", b"\0").strip(b"\0")):
        found.texts.append("comment")
    across, down, above, below = struct.unpack_from("<4H", area, 474)
    found.density(down, across, 0)
    gamma = above / below if below else 0
    if gamma not in (0, 1):
        found.notes.add(f"a gamma of {gamma:g} is not applied")


def read_dds(data: bytes, found: Found) -> None:
    """Further pictures, and samples that are more than 8 bits."""
    kind, count = struct.unpack_from("<I8xI", data.ljust(144, b"\0"), 128)
    is_extended = data[84:88] == b"DX10"
    if int.from_bytes(data[112:116], "little") & CUBE_OR_VOLUME or (is_extended and count > 1):
        found.notes.add("further pictures not kept (sides of a cube, slices)")
    if is_extended and kind in HALF_FLOATS:
        found.notes.add("high dynamic range, cut to 8 bits")


def read_sgi(data: bytes, found: Found) -> None:
    """Its name, which stands in place of a comment."""
    if data[24:104].strip(b"\0 ") not in (b"", b"no name"):
        found.texts.append("name")
