"""Judges what a file says of its picture: what is sound and fits is kept, the rest noted."""

from __future__ import annotations

from bitstream.limits import MAX_METADATA_BYTES
from codec.picture import exif, profiles, xmp
from codec.picture.found import Found
from codec.picture.metadata import EXIF_PREFIX, NAMES, TAGS, Metadata
from codec.picture.notes import listed


def metadata_of(found: Found, *, is_grey: bool = False) -> Metadata:
    """The metadata of a file of this codec for what another file says.

    Args:
        found: as the file says it; takes notes of what cannot be kept.
        is_grey: whether its pixels were greys.
    """
    tiff = _exif(found)
    orientation = found.orientation or exif.orientation(tiff) or xmp.orientation(found.xmp)
    _break_promises(found)
    if found.texts:
        found.lost("text", dict.fromkeys(found.texts))
    if found.dpi:
        tiff = exif.with_resolution(tiff, found.dpi)
    profile = _profile(found, is_grey=is_grey)
    prefixed = EXIF_PREFIX + tiff if tiff else b""
    kept = Metadata(profile, prefixed, found.xmp, found.iptc, orientation)
    large = [name for name in TAGS if len(getattr(kept, name)) > MAX_METADATA_BYTES]
    for name in large:
        found.notes.add(f"{NAMES[name]} larger than {MAX_METADATA_BYTES:,} bytes left out", name)
    return kept.without(large)


def _break_promises(found: Found) -> None:
    """Takes out of XMP what it says of things that are not kept, and notes them."""
    if any(name in found.xmp for name in xmp.GAIN_MAP_NAMES):
        found.notes.add(xmp.GAIN_MAP)
    if any(name in found.xmp for name in xmp.FILM_NAMES):
        found.lost(xmp.FILM)
    edited = xmp.without_hidden(found.xmp)
    if edited != found.xmp:
        found.lost("what XMP says of films, depth, sound and further pictures")
    elif xmp.promises(edited):
        found.notes.add("XMP still speaks of films or pictures that are not kept", "xmp")
    found.xmp = edited


def _exif(found: Found) -> bytes:
    """EXIF that can be read, without its prefix."""
    tiff = found.exif.removeprefix(EXIF_PREFIX)
    if not tiff or exif.is_sound(tiff):
        return tiff
    found.notes.add("EXIF is damaged and left out", "exif")
    return b""


def _profile(found: Found, *, is_grey: bool) -> bytes:
    """A profile that fits red, green and blue."""
    icc = found.icc
    if not icc:
        return found.colour
    space = icc[profiles.SPACE]
    if not profiles.is_sound(icc):
        found.notes.add("colour profile is damaged and left out", "icc")
    elif space == profiles.RGB:
        return icc
    elif space == profiles.GREY and is_grey and (made := profiles.from_grey(icc)):
        return made
    else:
        name = space.decode("latin-1").strip()
        found.notes.add(f"colour profile for {listed([name])} does not fit and is left out", "icc")
    return found.colour
