"""Edits XMP packets as text: what is not edited stays as it is, names of prefixes included."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

ORIENTATION = re.compile(
    rb"""\stiff:Orientation\s*=\s*(?:"(\d)"|'(\d)')|<tiff:Orientation>\s*(\d)\s*</tiff:Orientation>"""
)
"""XMP specification, part 2, section 3.2."""

GAIN_MAP, FILM = "gain map (high dynamic range) not kept", "film (motion photo)"
GAIN_MAP_NAMES = (b"hdr-gain-map", b"HDRGainMap")
FILM_NAMES = (b"MotionPhoto", b"MicroVideo")
LARGEST_EDITED = 2**20
"""Bytes."""
MOST_PREFIXES = 32
"""Of namespaces that promise; each takes its time at each tag."""

HIDDEN = {
    rb"http://ns.adobe.com/hdr-gain-map/1.0/": rb"[\w.-]+",
    rb"http://ns.apple.com/HDRGainMap/1.0/": rb"[\w.-]+",
    rb"http://ns.google.com/photos/1.0/container/": rb"[\w.-]+",
    rb"http://ns.google.com/photos/1.0/container/item/": rb"[\w.-]+",
    rb"http://ns.google.com/photos/dd/1.0/container/": rb"[\w.-]+",
    rb"http://ns.google.com/photos/dd/1.0/device/": rb"[\w.-]+",
    rb"http://ns.google.com/photos/1.0/depthmap/": rb"[\w.-]+",
    rb"http://ns.google.com/photos/1.0/image/": rb"[\w.-]+",
    rb"http://ns.google.com/photos/1.0/audio/": rb"[\w.-]+",
    rb"http://ns.google.com/photos/1.0/camera/": rb"(?:MicroVideo|MotionPhoto)\w*",
    rb"http://ns.adobe.com/xmp/note/": rb"HasExtendedXMP",
}
"""Names that promise what stands elsewhere in a file, by their namespace: a gain map, a depth map,
sound, a film, more XMP."""


def orientation(packet: bytes) -> int:
    """1 to 8; 1 too if none is stated."""
    match = ORIENTATION.search(packet)
    found = int(next(filter(None, match.groups()), b"1")) if match else 1
    return found if found in range(1, 9) else 1


def upright(packet: bytes) -> bytes:
    """The packet without an orientation."""
    return ORIENTATION.sub(b"", packet)


def promises(packet: bytes) -> bool:
    """Whether a packet speaks of what stands elsewhere in its file."""
    return any(name in packet for name in (*GAIN_MAP_NAMES, *FILM_NAMES))


def without_hidden(packet: bytes) -> bytes:
    """The packet without what it says of things that stand elsewhere in the file.

    As it is if it cannot be edited so.
    """
    if len(packet) > LARGEST_EDITED or not any(space in packet for space in HIDDEN):
        return packet
    names = [re.escape(prefix) + rb":" + names for prefix, names in _prefixes(packet)]
    if not 0 < len(names) <= MOST_PREFIXES:
        return packet
    name = rb"(?:" + rb"|".join(names) + rb")"
    edited = re.sub(rb"\s" + name + rb"""\s*=\s*(?:"[^"]*"|'[^']*')""", b"", packet)
    edited = _without_elements(edited, name)
    return edited if _is_well_formed(edited) else packet


def _prefixes(packet: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Prefixes of the namespaces that promise, each with the names there that do."""
    declared = re.findall(rb"""xmlns:([\w.-]+)\s*=\s*["']([^"']*)["']""", packet)
    for prefix, space in dict.fromkeys(declared):
        if space in HIDDEN:
            yield prefix, HIDDEN[space]


def _without_elements(packet: bytes, name: bytes) -> bytes:
    """The packet without the elements of that name, in one pass over its tags."""
    tag = re.compile(rb"<(/?)(" + name + rb")(?:\s[^<>]*?)?(/?)>")
    kept, place = [], 0
    opened: list[bytes] = []
    for found in tag.finditer(packet):
        is_end, called, is_empty = found.groups()
        if not opened:
            kept.append(packet[place : found.start()])
            place = found.end()
        if is_end:
            if not opened or opened.pop() != called:
                return packet
            place = found.end()
        elif not is_empty:
            opened.append(called)
    return packet if opened else b"".join(kept) + packet[place:]


def _is_well_formed(packet: bytes) -> bool:
    if b"<!DOCTYPE" in packet or b"<!ENTITY" in packet:
        return False
    try:
        ElementTree.fromstring(packet.strip(b"\0 \r\n\t"))  # noqa: S314  # no entities are in it
    except ElementTree.ParseError:
        return False
    return True
