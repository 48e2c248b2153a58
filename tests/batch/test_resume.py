"""What `--resume` takes for done, what it makes again, and what it never touches."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import codec
from bitstream import Container, Header, Tag
from bitstream.carriers import avif, carrier_of, jpeg, webp
from bitstream.carriers.enhancement import Enhancement
from bitstream.file import metadata
from bitstream.file.header import LOSSLESS_QUALITY
from codec.batch import checks, mark, recipes, resume
from codec.batch.resume import Left, Made
from codec.contract.modes import Lossless, Lossy, Standard
from codec.contract.options import EncodeOptions
from codec.contract.targets import Lambda, MaxBpp, MaxBytes, MinPsnr
from codec.models.registry import default_ids

IDS = default_ids() | {"webp without loss": b"VP8L"}


def coded(quality: int = 100, content: str = "learned", **extra: bytes) -> bytes:
    """A file of this codec that is right, but for its picture."""
    chunks = {Tag[name.upper()]: payload for name, payload in extra.items()}
    return Container(Header(64, 32, quality, IDS[content]), {Tag.CONTENT: b"c", **chunks}).pack()


UPDATED = coded(update=b"u")


@pytest.mark.parametrize(
    ("data", "options", "made"),
    [
        (UPDATED, EncodeOptions(), Made.AS_ASKED),
        (coded(), EncodeOptions(), Made.AS_ASKED),
        (coded(), EncodeOptions(effort=0), Made.AS_ASKED),
        (UPDATED, EncodeOptions(effort=0), Made.OTHERWISE),
        (UPDATED, EncodeOptions(update="none"), Made.OTHERWISE),
        (UPDATED, EncodeOptions(Lossy(60)), Made.OTHERWISE),
        (coded(120), EncodeOptions(Lossy(60)), Made.AS_ASKED),
        (UPDATED, EncodeOptions(Lossless()), Made.OTHERWISE),
        (coded(content="jpeg"), EncodeOptions(), Made.OTHERWISE),
        (coded(content="jpeg"), EncodeOptions(Lossy(content="jpeg")), Made.AS_ASKED),
        (coded(LOSSLESS_QUALITY, "lossless"), EncodeOptions(Lossless()), Made.AS_ASKED),
        (coded(LOSSLESS_QUALITY, "lossless"), EncodeOptions(), Made.OTHERWISE),
        (coded(LOSSLESS_QUALITY, "lossless"), EncodeOptions(Lossless("webp")), Made.OTHERWISE),
        (coded(LOSSLESS_QUALITY, "webp without loss"), EncodeOptions(Lossless()), Made.AS_ASKED),
        (coded(LOSSLESS_QUALITY, "webp without loss"), EncodeOptions(), Made.OTHERWISE),
        (coded(icc=metadata.pack(b"x")), EncodeOptions(), Made.AS_ASKED),
        (coded(icc=metadata.pack(b"x")), EncodeOptions(metadata=("exif",)), Made.OTHERWISE),
        (coded(77), EncodeOptions(Lossy(target=MaxBytes(1000))), Made.AS_ASKED),
        (coded(77), EncodeOptions(Lossy(target=MaxBytes(9))), Made.OTHERWISE),
        (coded(77), EncodeOptions(Lossy(target=MaxBpp(1.0))), Made.AS_ASKED),
        (coded(77), EncodeOptions(Lossy(target=MaxBpp(0.01))), Made.OTHERWISE),
        (coded(77), EncodeOptions(Lossy(target=MinPsnr(30.0))), Made.AS_ASKED),
        (coded(Lambda(0.01).half), EncodeOptions(Lossy(target=Lambda(0.01))), Made.AS_ASKED),
        (coded(1), EncodeOptions(Lossy(target=Lambda(0.01))), Made.OTHERWISE),
        (UPDATED[:-1], EncodeOptions(), Made.OTHERWISE),
        (UPDATED[:2], EncodeOptions(), Made.OTHERWISE),
        (UPDATED[:8] + bytes(len(UPDATED) - 8), EncodeOptions(), Made.OTHERWISE),
        (b"a letter", EncodeOptions(), Made.ELSEWHERE),
    ],
)
def test_files_of_this_codec_tell_how_they_were_made(data, options, made):
    assert checks.encoded(options)(data, "photo.png") == made


@pytest.mark.parametrize("carrier", [jpeg, webp, avif], ids=lambda carrier: carrier.NAME)
def test_enhanced_files_tell_how_they_were_made(carrier):
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, carrier.NAME.upper())
    plain = file.getvalue()
    payload = Enhancement(IDS[carrier.NAME], 100, bytes(4), b"update").pack()
    data = carrier.insert(plain, payload)

    def made(data: bytes, options: EncodeOptions) -> Made:
        return checks.encoded(options)(data, "photo.png")

    standard = EncodeOptions(Standard(carrier.NAME))
    assert made(data, standard) == Made.AS_ASKED
    assert made(data, EncodeOptions(Standard(carrier.NAME, 60))) == Made.OTHERWISE
    assert made(data, EncodeOptions(Standard(carrier.NAME), effort=0)) == Made.OTHERWISE
    assert made(data, EncodeOptions()) == Made.ELSEWHERE
    assert made(data[:-1], standard) in (Made.OTHERWISE, Made.UNKNOWN)
    assert made(plain, standard) == Made.UNKNOWN
    other = "webp" if carrier is jpeg else "jpeg"
    assert made(data, EncodeOptions(Standard(other))) == Made.ELSEWHERE


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_decoded_pictures_tell_what_they_were_made_of(tmp_path):
    source = tmp_path / "photo.nni"
    source.write_bytes(b"a file")
    pixels = np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)
    plain = png(pixels)
    data = mark.marked(plain, b"a file")
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(np.asarray(image), pixels)
        image.info.clear()
        resaved = io.BytesIO()
        image.save(resaved, "PNG")
    source_name = str(source)
    assert mark.decoded(data, source_name) == Made.AS_ASKED
    assert mark.decoded(plain, source_name) == Made.UNKNOWN
    assert mark.decoded(resaved.getvalue(), source_name) == Made.UNKNOWN
    assert mark.decoded(mark.marked(plain, b"another"), source_name) == Made.OTHERWISE
    for cut in (3, 20, 33, 60, len(data) - 1):
        assert mark.decoded(data[:cut], source_name) == Made.OTHERWISE
    assert mark.decoded(b"\xff\xd8\xff", source_name) == Made.UNKNOWN


def test_stripped_files_are_compared(tmp_path):
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, "JPEG")
    plain, source = file.getvalue(), tmp_path / "photo.jpg"
    source.write_bytes(carrier_of(plain).insert(plain, b"payload"))
    assert checks.stripped(plain, str(source)) == Made.AS_ASKED
    assert checks.stripped(plain[:100], str(source)) == Made.OTHERWISE
    assert checks.stripped(b"else", str(source)) == Made.ELSEWHERE


@pytest.mark.parametrize(
    ("made", "newer", "older"),
    [
        (Made.AS_ASKED, Left.DONE, Left.REPLACE),
        (Made.OTHERWISE, Left.REPLACE, Left.REPLACE),
        (Made.UNKNOWN, Left.DONE, Left.AS_EVER),
        (Made.ELSEWHERE, Left.AS_EVER, Left.AS_EVER),
    ],
)
def test_what_is_done_about_them(tmp_path, made, newer, older):
    source, target = tmp_path / "in", tmp_path / "out"

    def left() -> Left:
        return resume.left(str(target), str(source), lambda *_: made)

    source.write_bytes(b"in")
    assert left() == Left.AS_EVER
    target.write_bytes(b"out")
    os.utime(source, (100, 100))
    for time, expected in ((200, newer), (100, newer), (50, older)):
        os.utime(target, (time, time))
        assert left() == expected
    target.write_bytes(b"")
    os.utime(target, (50, 50))
    assert left() == Left.REPLACE
    target.unlink()
    target.mkdir()
    assert left() == Left.AS_EVER
    assert resume.left(str(source), str(source), lambda *_: made) == Left.AS_EVER


def results(start, *arguments: str) -> dict[str, dict]:
    import json

    out, errors = start(*arguments, "--json", "--jobs", "1", "-r").communicate(timeout=300)
    found = [json.loads(line) for line in out.splitlines()]
    assert found, errors
    return {Path(result["input"]).stem: result for result in found}


def touch_later(path: Path) -> None:
    later = path.stat().st_mtime + 100
    os.utime(path, (later, later))


def test_a_folder_is_brought_up_to_date(start, pictures):
    """Edited inputs, outputs that are empty or cut short, other settings; others' files stay."""
    paths = pictures(8)
    encode = ("encode", "photos", "--output-dir", "out", "-q", "10", "-e", "0")
    results(start, *encode)
    outs = {path.stem: next(Path("out").rglob(f"{path.stem}.nni")) for path in paths}
    before = {stem: out.read_bytes() for stem, out in outs.items()}
    Image.new("RGB", (16, 16), (9, 99, 9)).save(paths[0])
    touch_later(paths[0])
    outs["001"].write_bytes(b"")
    outs["002"].write_bytes(before["002"][:-9])
    outs["003"].write_text("a letter")
    found = results(start, *encode, "--resume")
    redone = {stem for stem, result in found.items() if "bpp" in result}
    assert redone == {"000", "001", "002"}
    assert {stem for stem, result in found.items() if "error" in result} == {"003"}
    assert outs["003"].read_text() == "a letter"
    assert outs["000"].read_bytes() != before["000"]
    assert all(outs[stem].read_bytes() == before[stem] for stem in ("001", "002", "004"))

    outs["003"].unlink()
    found = results(start, *encode, "--resume", "-q", "20")
    assert all("bpp" in result for result in found.values())
    assert {codec.probe(out).quality for out in outs.values()} == {20}

    touch_later(outs["004"])
    decode = ("decode", "out", "--output-dir", "back")
    results(start, *decode)
    touch_later(outs["005"])
    back = {stem: next(Path("back").rglob(f"{stem}.png")) for stem in outs}
    back["006"].write_bytes(back["006"].read_bytes()[:-20])
    Image.new("RGB", (4, 4)).save(back["007"])  # somebody's own, and older
    os.utime(back["007"], (100, 100))
    found = results(start, *decode, "--resume")
    assert {stem for stem, result in found.items() if "width" in result} == {"004", "005", "006"}
    assert {stem for stem, result in found.items() if "error" in result} == {"007"}
    with Image.open(back["007"]) as untouched:
        assert untouched.size == (4, 4)


def test_what_files_do_not_tell_is_noted_beside_them(start, pictures, tmp_path):
    """Another effort makes files again, the same one skips them; a copy without notes is done."""
    paths = pictures(2)
    Image.new("L", (32, 32), 200).save("mask.png")
    encode = ("encode", str(paths[0]), "--output-dir", "out", "-q", "10", "--resume", "-e")
    assert "bpp" in results(start, *encode, "1")["000"]
    out = next(Path("out").rglob("000.nni"))
    if recipes.signed(str(out), out.read_bytes()) is None:
        pytest.skip("this file system keeps no attributes")
    assert "bpp" not in results(start, *encode, "1")["000"]
    assert "bpp" in results(start, *encode, "0")["000"]
    assert "bpp" in results(start, *encode, "1")["000"]
    assert "bpp" not in results(start, *encode, "1", "--device", "cpu")["000"]
    out.write_bytes(out.read_bytes() + b"x")
    assert recipes.signed(str(out), out.read_bytes()) is None


def test_recipes_name_what_decides_about_a_file(tmp_path):
    mask = tmp_path / "mask.png"
    mask.write_bytes(b"one")
    plain = recipes.recipe(EncodeOptions())
    assert plain == recipes.recipe(EncodeOptions(device="cpu", verify=False, strict=True))
    others = {
        recipes.recipe(EncodeOptions(effort=1)),
        recipes.recipe(EncodeOptions(Lossless())),
        recipes.recipe(EncodeOptions(time_limit=9.0)),
        recipes.recipe(EncodeOptions(tune="ms-ssim")),
        recipes.recipe(EncodeOptions(metadata=())),
        recipes.recipe(EncodeOptions(), str(mask)),
    }
    mask.write_bytes(b"another")
    others.add(recipes.recipe(EncodeOptions(), str(mask)))
    assert len(others - {plain}) == 7
