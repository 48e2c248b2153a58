"""FORMAT.md and docs/packed-weights.md state what the code does, and their examples are true."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from bitstream import FORMAT_VERSION, MAGIC, limits
from bitstream.coding.range_coder import PRECISION_BITS

ROOT = Path(__file__).parents[1]
FORMAT = (ROOT / "FORMAT.md").read_text("utf-8")
PACKED = (ROOT / "docs" / "packed-weights.md").read_text("utf-8")
BYTES = r"[0-9A-F]{2}( [0-9A-F]{2})*"
VECTORS = ROOT / "tests" / "vectors"


def section(number: str, text: str = FORMAT) -> str:
    """The lines of one section, with its subsections."""
    head = re.search(rf"^(#+) {re.escape(number)} .*$", text, re.MULTILINE)
    end = re.search(rf"^#{{1,{len(head[1])}}} ", text[head.end() :], re.MULTILINE)
    return text[head.end() :][: end.start() if end else None]


def rows(text: str) -> list[list[str]]:
    """The cells of all rows of all tables."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def number(text: str) -> int:
    """The first number of a text: 65 535, 2**28, 0xFF or 2**15."""
    found = re.search(r"0x[0-9A-F]+|2\*\*\d+|\d[\d ]*", text)[0].replace(" ", "")
    base, _, power = found.partition("**")
    return int(base) ** int(power) if power else int(found, 0)


def test_table_of_limits():
    stated = {name: number(limit) for name, limit, *_ in rows(section("3.3"))[1:]}
    assert stated == {
        "width, height": limits.MAX_DIMENSION,
        "width times height": limits.MAX_PIXELS,
        "payload of a chunk": limits.MAX_CHUNK_BYTES,
        "metadata of a chunk, uncompressed": limits.MAX_METADATA_BYTES,
        "levels of a weight update in tensors": limits.MAX_UPDATE_PARAMETERS,
    }


def test_table_of_limits_of_packed_weights():
    table = section("2", PACKED).partition("| Quantity | Limit |")[2]
    stated = {name: number(limit) for name, limit in rows(table)}
    assert stated == {
        "tensors": limits.MAX_PACKED_TENSORS,
        "bytes of all names together, each counted whole": limits.MAX_PACKED_NAMES,
        "sizes of all tensors and levels of all factors together": limits.MAX_PACKED_PARAMETERS,
        "blocks of levels (section 5) of all tensors together": limits.MAX_PACKED_STEPS,
    }
    accepted = re.search(r"by itself (\S+) \+ (\d+) for each byte.*\n.*as (\d+)", PACKED)
    assert [number(text) for text in accepted.groups()] == [
        limits.PACKED_WORK,
        limits.PACKED_WORK_PER_BYTE,
        limits.STEP_WORK,
    ]


@pytest.mark.parametrize(
    ("place", "before", "limit"),
    [
        ("5.2", "1..", limits.MAX_METADATA_BYTES),
        ("6.1", "has read more than ", limits.MAX_BYTES_PAST_END),
        ("7.1", "their sum exactly ", 1 << PRECISION_BITS),
        ("6.2", "their sum ", 1 << PRECISION_BITS),
        ("7.2", "a prefix longer than ", limits.MAX_ESCAPE_PREFIX),
        ("9.2", "a level beyond ", limits.MAX_SUBSPACE_LEVEL),
        ("9.6", "a magnitude of ", limits.MAX_UPDATE_LEVEL + 1),
        ("12", "A payload has at most ", limits.MAX_CARRIED_BYTES),
        ("3.1", "**Version** is ", FORMAT_VERSION),
    ],
)
def test_other_limits(place: str, before: str, limit: int):
    text = " ".join(section(place).split())
    assert number(text[text.index(before) + len(before) :]) == limit


def test_magic():
    assert f"**Magic** is {MAGIC.hex(' ').upper()}." in section("3.1")


@pytest.mark.parametrize(
    ("place", "before", "limit"),
    [
        ("2", "**Dimensions** is at most ", limits.MAX_PACKED_RANK),
        ("2", "at least 1, at most ", limits.MAX_PACKED_LANES),
        ("2", "and n <= ", limits.MAX_STEPS_PER_LANE),
        ("5", "and a magnitude of ", limits.MAX_PACKED_LEVEL + 1),
    ],
)
def test_limits_of_packed_weights(place: str, before: str, limit: int):
    text = " ".join(section(place, PACKED).split())
    assert number(text[text.index(before) + len(before) :]) == limit


def bytes_of(place: str) -> bytes:
    """What the first column of the table says, byte for byte."""
    cells = [row[0] for row in rows(section(place))]
    return bytes.fromhex("".join(cell for cell in cells if re.fullmatch(BYTES, cell)))


def test_files_that_are_decoded_by_hand_are_vectors():
    for place, name in (("15.1", "empty-content"), ("15.2", "lossless-one-pixel")):
        expected = (VECTORS / "v1" / "valid" / f"{name}.bin").read_bytes()
        assert bytes_of(place) == expected
        assert f"`{name}`" in section(place)


def test_decoding_by_hand():
    """The two tables of section 15.2 follow from the model and the codeword."""
    tensors = load_file(VECTORS / "models" / "lossless" / "model.safetensors")
    ends = np.cumsum(tensors["tables.sizes"])
    tables = np.split(tensors["tables.frequencies"].astype(object), ends[:-1])
    low, width, point = 0, 2**64 - 1, 0xFE858F5E00000000
    coding = section("15.2")
    for row in (r for r in rows(coding) if len(r) == 6 and r[1].startswith("0x")):
        scale = width >> 24
        quantile = (point - low) // scale
        symbol, table = map(int, re.findall(r"\d+", row[3]))
        below = sum(tables[table][:symbol])
        frequency = tables[table][symbol]
        assert below <= quantile < below + frequency
        low, width = low + scale * below, scale * frequency
        assert [int(row[i], 0) for i in (1, 2, 4, 5)] == [scale, quantile, low, width]
        assert f"{below}" in coding and f"{frequency}" in coding
    image = Image.open(VECTORS / "v1" / "valid" / "lossless-one-pixel.png")
    assert f"the pixel is {image.getpixel((0, 0))}" in coding.replace("\n", " ")


@pytest.mark.parametrize("text", [FORMAT, PACKED], ids=["FORMAT.md", "packed-weights.md"])
def test_sections_that_are_named_exist(text: str):
    there = set(re.findall(r"^#+ (\d[\d.]*) ", text, re.MULTILINE))
    named = re.findall(r"(?<!C, )\bsections? (\d[\d.]*\d|\d)", text)
    own = [name for name in named if f"RFC 9649, section {name}" not in text]
    assert set(own) <= there


def test_table_of_contents():
    heads = re.findall(r"^###? (\d[\d.]* .+)$", FORMAT, re.MULTILINE)
    assert re.findall(r"^ *- \[(\d[\d.]* .+)\]\(#", FORMAT, re.MULTILINE) == heads
