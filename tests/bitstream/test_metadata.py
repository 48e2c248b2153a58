"""Chunks with metadata, and what is known of a file before its pixels."""

from __future__ import annotations

import zlib
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitstream import Container, FormatError, Header, InvalidField, LimitExceeded, Tag
from bitstream.file import metadata
from bitstream.file.preview import preview
from bitstream.limits import MAX_METADATA_BYTES

HEADER = Header(width=768, height=512, quality=75, model=b"\x01\x02\x03\x04")
STORED = bytes.fromhex("03" + "010300fcff" + "616263")
"""The text "abc" as an uncompressed deflate block (RFC 1951, section 3.2.4)."""


@given(st.binary(min_size=1, max_size=2000))
def test_round_trip(data: bytes) -> None:
    assert metadata.unpack(metadata.pack(data)) == data


def test_deflate_streams_of_any_writer_are_read() -> None:
    assert metadata.unpack(STORED) == b"abc"


def test_repetitive_metadata_become_small() -> None:
    assert len(metadata.pack(b"<rdf:li>keyword</rdf:li>" * 200)) < 100


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x00" + STORED[1:],  # no bytes
        b"\x02" + STORED[1:],  # fewer than there are
        b"\x04" + STORED[1:],  # more
        STORED[:-1],
        STORED + b"\0",
        b"\x03" + zlib.compress(b"abc"),  # with the header of zlib
        b"\x03\xff\xff\xff",
    ],
)
def test_malformed_payloads_are_refused(payload: bytes) -> None:
    with pytest.raises(FormatError):
        metadata.unpack(payload)


def test_sizes_are_limited_before_anything_is_inflated() -> None:
    with pytest.raises(LimitExceeded):
        metadata.unpack(b"\x81\x80\x80\x08" + STORED[1:])
    with pytest.raises(LimitExceeded):
        metadata.pack(bytes(MAX_METADATA_BYTES + 1))


def test_a_stream_longer_than_it_says_is_not_followed() -> None:
    bomb = metadata.pack(bytes(MAX_METADATA_BYTES))
    with pytest.raises(InvalidField):
        metadata.unpack(b"\x05" + bomb[4:])


def test_ancillary_chunks_stand_first_and_come_back() -> None:
    chunks = {Tag.CONTENT: b"c", Tag.XMP: b"x", Tag.UPDATE: b"u", Tag.ICC: b"i"}
    data = Container(HEADER, chunks).pack()
    assert data[13:-4].hex() == "900169" + "920178" + "010175" + "020163"
    assert Container.unpack(data).chunks == chunks


def test_metadata_may_stand_anywhere_but_once() -> None:
    body = Container(HEADER, {Tag.CONTENT: b""}).pack()[:-4]

    def sealed(chunks: str) -> bytes:
        whole = body + bytes.fromhex(chunks)
        return whole + zlib.crc32(whole).to_bytes(4, "little")

    assert Container.unpack(sealed("910155")).chunks[Tag.EXIF] == b"\x55"
    with pytest.raises(InvalidField, match="EXIF is repeated"):
        Container.unpack(sealed("910155" + "910155"))


def test_a_preview_reads_no_content() -> None:
    chunks = {Tag.CONTENT: bytes(10_000), Tag.ICC: b"profile", Tag.UPDATE: b"u"}
    data = Container(HEADER, chunks).pack()

    class Counting(BytesIO):
        total = 0

        def read(self, size: int | None = -1) -> bytes:
            found = super().read(size)
            self.total += len(found)
            return found

    file = Counting(data)
    found = preview(file)
    assert found.header == HEADER
    assert found.ancillary == {Tag.ICC: b"profile"}
    assert found.lengths == {tag: len(payload) for tag, payload in chunks.items()}
    assert file.total < 100


@pytest.mark.parametrize("cut", [2, 3, 4, 9, 14, 17, 18, 25])
def test_a_preview_of_less_than_a_file_is_refused(cut: int) -> None:
    data = Container(HEADER, {Tag.CONTENT: b"content", Tag.ICC: b"profile"}).pack()
    with pytest.raises(FormatError):
        preview(BytesIO(data[:cut]))
