"""Where the payload stands in a file, byte by byte, and what is refused around it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitstream.carriers import CARRIED, avif, carrier_named, carrier_of, jpeg, webp
from bitstream.envelope import standard_format
from bitstream.errors import BadMagic, FormatError, InvalidField, LimitExceeded, Truncated
from bitstream.limits import MAX_CARRIED_BYTES
from scripts.conform.standard_files import animations, examples

# Files without a picture: a carrier looks at the structure alone.
JFIF = "ffe0 0010 4a46494600 0101 00 0001 0001 00 00"
EXIF = "ffe1 000a 457869660000 4d4d"
INDEX = "ffe2 0008 4d504600 4d4d"
COMMENT = "fffe 0005 616263"
FRAME = "ffdb 0043 00"
JPEG_UPDATE = "ffea 000d 4e4e5500 75706461746521"
WEBP_VP8 = "56503820 03000000 616263 00"
WEBP_UPDATE = "6e6e5550 07000000 75706461746521 00"
AVIF_TYPE = "00000014 66747970 61766966 00000000 6d696631"
AVIF_DATA = "0000000b 6d646174 616263"
AVIF_UUID = "137be2d4608740c4975ba47a85991955"
AVIF_UPDATE = f"0000001f 75756964 {AVIF_UUID} 75706461746521"
PAYLOAD = b"update!"


def raw(*fields: str) -> bytes:
    return bytes.fromhex(" ".join(fields))


def jpeg_file(*segments: str) -> bytes:
    return raw("ffd8", *segments)


def webp_file(*chunks: str) -> bytes:
    content = b"WEBP" + raw(*chunks)
    return b"RIFF" + len(content).to_bytes(4, "little") + content


def avif_file(*boxes: str) -> bytes:
    return raw(AVIF_TYPE, *boxes)


GOLDEN = {
    "jpeg": (
        jpeg_file(JFIF, EXIF, COMMENT, FRAME),
        jpeg_file(JFIF, EXIF, COMMENT, JPEG_UPDATE, FRAME),
    ),
    "jpeg, several pictures": (
        jpeg_file(EXIF, INDEX, COMMENT, FRAME),
        jpeg_file(EXIF, JPEG_UPDATE, INDEX, COMMENT, FRAME),
    ),
    "jpeg, padded marker": (
        jpeg_file(JFIF, "ffff", FRAME),
        jpeg_file(JFIF, JPEG_UPDATE, "ffff", FRAME),
    ),
    "jpeg, no metadata": (jpeg_file(FRAME), jpeg_file(JPEG_UPDATE, FRAME)),
    "webp": (webp_file(WEBP_VP8), webp_file(WEBP_VP8, WEBP_UPDATE)),
    "webp, bytes after the end": (
        webp_file(WEBP_VP8) + b"more",
        webp_file(WEBP_VP8, WEBP_UPDATE) + b"more",
    ),
    "avif": (avif_file(AVIF_DATA), avif_file(AVIF_DATA, AVIF_UPDATE)),
    "avif, large size": (
        avif_file("00000001 6d646174 0000000000000013 616263"),
        avif_file("00000001 6d646174 0000000000000013 616263", AVIF_UPDATE),
    ),
}


@pytest.mark.parametrize(("plain", "enhanced"), GOLDEN.values(), ids=GOLDEN)
def test_golden_bytes(plain, enhanced):
    carrier = carrier_of(plain)
    assert carrier.insert(plain, PAYLOAD) == enhanced
    assert carrier.extract(enhanced) == PAYLOAD
    assert carrier.strip(enhanced) == plain


@pytest.mark.parametrize(
    "data",
    [
        jpeg_file(JPEG_UPDATE, JFIF, COMMENT, FRAME),
        webp_file(WEBP_UPDATE, WEBP_VP8),
        avif_file(AVIF_UPDATE, AVIF_DATA),
    ],
    ids=["jpeg", "webp", "avif"],
)
def test_payload_is_found_where_an_editor_has_put_it(data):
    carrier = carrier_of(data)
    assert carrier.extract(data) == PAYLOAD
    assert carrier.extract(carrier.strip(data)) is None
    assert carrier.extract(carrier.insert(data, b"other")) == b"other"


def test_strip_moves_no_box_of_an_avif_file():
    blank = "0000001f 66726565" + 23 * "00"
    assert avif.strip(avif_file(AVIF_UPDATE, AVIF_DATA, AVIF_UPDATE)) == avif_file(blank, AVIF_DATA)
    # Those at the end go, however many.
    assert avif.strip(avif_file(AVIF_DATA, 2 * AVIF_UPDATE)) == avif_file(AVIF_DATA)


@pytest.mark.parametrize(
    ("carrier", "twice", "plain"),
    [
        (jpeg, jpeg_file(JPEG_UPDATE, COMMENT, JPEG_UPDATE, FRAME), jpeg_file(COMMENT, FRAME)),
        (webp, webp_file(WEBP_UPDATE, WEBP_VP8, WEBP_UPDATE), webp_file(WEBP_VP8)),
        (avif, avif_file(AVIF_DATA, 2 * AVIF_UPDATE), avif_file(AVIF_DATA)),
    ],
    ids=["jpeg", "webp", "avif"],
)
def test_two_payloads_are_refused_and_both_stripped(carrier, twice, plain):
    with pytest.raises(InvalidField, match="more than one"):
        carrier.extract(twice)
    assert carrier.strip(twice) == plain


@pytest.mark.parametrize(
    "data",
    [
        jpeg_file("ffea 0008 4e4e5558 7570", FRAME),
        jpeg_file("ffeb 0008 4e4e5500 7570", FRAME),
        jpeg_file("ffea 0005 4e4e55", FRAME),
        jpeg_file(FRAME + 0x42 * "00", JPEG_UPDATE),
        webp_file(WEBP_VP8, "4e4e5550 02000000 7570"),
        webp_file(WEBP_VP8) + raw(WEBP_UPDATE),
        avif_file(AVIF_DATA, f"0000001a 75756964 {AVIF_UUID[:-1]}0 7570"),
        avif_file(AVIF_DATA, f"00000017 75756964 {AVIF_UUID[:-2]}"),
        avif_file(AVIF_DATA, f"0000001a 66726565 {AVIF_UUID} 7570"),
    ],
    ids=lambda data: data[:40].hex(),
)
def test_what_is_not_ours_is_left_alone(data):
    carrier = carrier_of(data)
    assert carrier.extract(data) is None
    assert carrier.strip(data) == data
    assert carrier.strip(carrier.insert(data, PAYLOAD)) == data


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (jpeg_file(JFIF, "ffe1 0001"), InvalidField, "has the length 1"),
        (jpeg_file(JFIF, "4e4e"), InvalidField, "no JPEG segment begins at byte 20"),
        (jpeg_file(JFIF, "ffd9"), InvalidField, "no JPEG segment begins at byte 20"),
        (jpeg_file(JFIF, "ff00"), InvalidField, "no JPEG segment begins at byte 20"),
        (jpeg_file(JFIF), Truncated, "JPEG marker"),
        (jpeg_file(JFIF, "ffff"), Truncated, "JPEG marker"),
        (jpeg_file(JFIF, "ffe1 0008 4578"), Truncated, "JPEG segment"),
        (webp_file(WEBP_VP8)[:-1], Truncated, "RIFF chunk"),
        (webp_file("56503820 03000000 616263"), Truncated, "padding of a WebP chunk"),
        (webp_file("56503820 ffffffff 616263"), Truncated, "WebP chunk"),
        (webp_file(WEBP_VP8, "5850"), Truncated, "WebP chunk"),
        (raw("52494646 03000000 57454250"), Truncated, "WebP header"),
        (avif_file("00000007 6d646174"), InvalidField, "byte 20 has the size 7"),
        (avif_file("00000001 6d646174 000000000000000f"), InvalidField, "has the size 15"),
        (avif_file("00000001 6d646174 ffffffffffffffff"), Truncated, "AVIF box"),
        (avif_file(AVIF_DATA, "0000"), Truncated, "size of an AVIF box"),
    ],
    ids=str,
)
def test_broken_structure_is_refused(data, error, message):
    carrier = carrier_of(data)
    with pytest.raises(error, match=message):
        carrier.extract(data)
    with pytest.raises(error, match=message):
        carrier.strip(data)
    with pytest.raises(error, match=message):
        carrier.insert(data, PAYLOAD)


def test_nothing_is_put_behind_an_open_ended_box():
    data = avif_file("00000000 6d646174 616263")
    assert avif.extract(data) is None
    assert avif.strip(data) == data
    with pytest.raises(InvalidField, match="open-ended"):
        avif.insert(data, PAYLOAD)


def test_an_open_ended_box_of_ours_is_replaced():
    data = avif_file(AVIF_DATA, AVIF_UPDATE.replace("0000001f", "00000000"))
    assert avif.extract(data) == PAYLOAD
    assert avif.insert(data, PAYLOAD) == avif_file(AVIF_DATA, AVIF_UPDATE)


@pytest.mark.parametrize("carrier", [*map(carrier_named, CARRIED)], ids=CARRIED)
def test_files_of_another_format_are_refused(carrier):
    for data in (b"", b"\x89PNG\r\n\x1a\n"):
        assert carrier_of(data) is None
        for use in (carrier.extract, carrier.strip, lambda data: carrier.insert(data, PAYLOAD)):
            with pytest.raises(BadMagic):
                use(data)


@pytest.mark.parametrize(
    ("brands", "recognized"),
    [
        ("61766966 00000000", True),
        ("61766973 00000000", True),
        ("6d696631 00000000 6d696631 61766966", True),
        ("68656963 00000000 6d696631 68656963", False),
        ("6d696631 61766966", False),
        ("6d696631 00000000 6d61 76 69 66 00 00 00", False),
    ],
)
def test_brands_of_avif(brands, recognized):
    box = b"ftyp" + raw(brands)
    data = (4 + len(box)).to_bytes(4, "big") + box + raw("00000010 6d646174 61766966 61766966")
    assert (standard_format(data) == "avif") == recognized


@pytest.mark.parametrize("plain", [plain for plain, _ in GOLDEN.values()], ids=GOLDEN)
def test_too_long_payloads_are_refused(plain):
    with pytest.raises(LimitExceeded, match=str(MAX_CARRIED_BYTES)):
        carrier_of(plain).insert(plain, bytes(MAX_CARRIED_BYTES + 1))


@pytest.mark.parametrize(
    "data",
    [
        webp_file(WEBP_VP8, "6e6e5550 faff0000" + (MAX_CARRIED_BYTES + 1) * "00"),
        avif_file(AVIF_DATA, f"00010012 75756964 {AVIF_UUID}" + (MAX_CARRIED_BYTES + 1) * "00"),
    ],
    ids=["webp", "avif"],
)
def test_too_long_payloads_are_refused_when_found(data):
    with pytest.raises(LimitExceeded, match=str(MAX_CARRIED_BYTES)):
        carrier_of(data).extract(data)


def use_all(data: bytes) -> None:
    """Uses every carrier, recognized or not; what works on odd data must still be consistent."""
    for carrier in map(carrier_named, CARRIED):
        try:
            carrier.extract(data)
        except FormatError:
            pass
        try:
            plain = carrier.strip(data)
            enhanced = carrier.insert(data, PAYLOAD)
        except FormatError:
            continue
        assert carrier.extract(enhanced) == PAYLOAD
        assert carrier.strip(enhanced) == plain


ENHANCED = {
    name: carrier_of(data).insert(data, PAYLOAD)
    for name, data in (examples() | animations()).items()
}


def test_files_cut_short_anywhere():
    pictures = (ENHANCED[f"metadata.{suffix}"] for suffix in ("jpg", "webp", "avif"))
    for data in (*pictures, *(enhanced for _, enhanced in GOLDEN.values())):
        for length in range(len(data)):
            use_all(data[:length])


def test_files_with_flipped_bits():
    rng = random.Random(0)
    for data in ENHANCED.values():
        for _ in range(100):
            flipped = bytearray(data)
            for _ in range(rng.randint(1, 4)):
                # Mostly where the structure is: near both ends.
                place = rng.choice(
                    [rng.randrange(len(data)), rng.randrange(64), -rng.randint(1, 64)]
                )
                flipped[place] ^= 1 << rng.randrange(8)
            use_all(bytes(flipped))


@given(st.sampled_from([b"\xff\xd8\xff", b"RIFF\x20\0\0\0WEBP", raw(AVIF_TYPE)]), st.binary())
def test_any_bytes_after_the_magic(magic, data):
    use_all(magic + data)
