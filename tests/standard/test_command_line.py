"""The subcommands and standard files: a walk with real files."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image, ImageCms

from bitstream import Container
from bitstream.carriers import carrier_of, jpeg
from codec.cli import main
from codec.opening import open_file
from codec.pages.view.comparison import Entry, compare
from codec.picture import reading, writing
from codec.picture.pixels import psnr_db

ROOT = Path(__file__).parents[2]
ORIENTATION = 0x0112
DESCRIPTION = 0x010E


@pytest.fixture
def folder(tmp_path: Path, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: photo.png, and photo.jpg, which lies on its side."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photo).save("photo.png")
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    turned = Image.fromarray(photo).transpose(Image.Transpose.ROTATE_90)
    turned.save("photo.jpg", quality=40, exif=exif)
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Callable[..., Result]:
    def invoke(*arguments: str, stdin: bytes | None = None) -> Result:
        return CliRunner().invoke(main, arguments, input=stdin, prog_name="nncodec")

    return invoke


@pytest.fixture
def enhanced(run) -> bytes:
    """photo.enhanced.jpg, made of photo.jpg."""
    result = run("enhance", "-e", "1", "photo.png", "photo.jpg")
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith("photo.jpg -> photo.enhanced.jpg  ")
    return Path("photo.enhanced.jpg").read_bytes()


def test_enhance_decode_and_strip(run, folder, enhanced, photo):
    plain = Path("photo.jpg").read_bytes()
    assert run("decode", "photo.enhanced.jpg").exit_code == 0
    with Image.open("photo.enhanced.png") as restored:
        # The right way up, and nothing turns it again.
        assert ORIENTATION not in restored.getexif()
        assert restored.size == (photo.shape[1], photo.shape[0])
        shown = np.array(restored)
    assert psnr_db(shown, photo) > psnr_db(reading.load_pixels("photo.jpg"), photo)
    np.testing.assert_array_equal(reading.load_pixels("photo.enhanced.png"), shown)

    result = run("verify", "photo.enhanced.jpg", "--against", "photo.png")
    assert f"  PSNR {psnr_db(shown, photo):.2f} dB  SSIMULACRA2 " in result.stdout
    assert run("strip", "photo.enhanced.jpg").exit_code == 0
    assert Path("photo.enhanced.plain.jpg").read_bytes() == plain
    assert run("strip", "-f", "photo.jpg", "-o", "photo.jpg").exit_code == 0
    assert Path("photo.jpg").read_bytes() == plain


def test_enhance_replaces_its_file_only_if_told_so(run, folder):
    plain = Path("photo.jpg").read_bytes()
    replace = ("enhance", "-e", "1", "photo.png", "photo.jpg", "-o", "photo.jpg")
    assert run(*replace).exit_code == 1
    assert Path("photo.jpg").read_bytes() == plain
    assert run(*replace, "--force").exit_code == 0
    assert jpeg.strip(Path("photo.jpg").read_bytes()) == plain


def test_enhance_json(run, folder):
    result = run("enhance", "-e", "1", "--quiet", "--json", "photo.png", "photo.jpg")
    facts = json.loads(result.stdout)
    assert facts["bytes"] == Path("photo.enhanced.jpg").stat().st_size
    assert facts["plain_bytes"] == Path("photo.jpg").stat().st_size
    assert facts["bytes"] == facts["plain_bytes"] + facts["update_bytes"] + 18
    assert facts["psnr_db"] > facts["plain_psnr_db"]


def test_no_gain_is_said(run, folder):
    writing.save_png(reading.load_pixels("photo.jpg"), "decoded.png")
    result = run("enhance", "-e", "1", "decoded.png", "photo.jpg")
    assert result.exit_code == 0
    assert "carries nothing" in result.stderr and " + 0 B" in result.stderr
    assert Path("photo.enhanced.jpg").read_bytes() == Path("photo.jpg").read_bytes()


def test_streams(run, folder, enhanced):
    plain = Path("photo.jpg").read_bytes()
    assert run("enhance", "-e", "1", "photo.png", "-", stdin=plain).stdout_bytes == enhanced
    assert run("strip", "-", stdin=enhanced).stdout_bytes == plain


def test_a_folder(run, folder, enhanced):
    """Plain files of a folder are nobody's business."""
    result = run("decode", "--jobs", "1", "-r", ".", "--output-dir", "out")
    assert result.exit_code == 0, result.stderr
    assert [path.name for path in Path("out").iterdir()] == ["photo.enhanced.png"]
    assert run("info", "-r", ".").stdout.endswith("jpeg with update\n")
    assert run("verify", "--jobs", "1", "-r", ".").stdout == "photo.enhanced.jpg: ok  88 x 72\n"
    assert run("strip", "-r", ".", "--output-dir", "out").exit_code == 0
    assert Path("out/photo.enhanced.plain.jpg").read_bytes() == Path("photo.jpg").read_bytes()
    result = run("strip", "photo.jpg", "photo.enhanced.jpg", "--json")
    plain, enhanced = map(json.loads, result.stdout.splitlines())
    assert plain["bytes"] == plain["plain_bytes"] == enhanced["plain_bytes"] < enhanced["bytes"]


def test_metadata_go_all_the_way(run, folder, photo):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[DESCRIPTION] = "a face"
    Image.fromarray(photo).save("tagged.png", icc_profile=profile, exif=exif)
    assert run("encode", "-e", "1", "-q", "30", "--content", "jpeg", "tagged.png").exit_code == 0
    assert run("decode", "tagged.jpg", "back.png").exit_code == 0
    for name in ("tagged.jpg", "back.png"):
        with Image.open(name) as picture:
            assert picture.info["icc_profile"] == profile
            assert picture.getexif()[DESCRIPTION] == "a face"


def test_view_compares_with_any_program(folder, enhanced, photo):
    comparison = compare([Entry("photo.jpg", open_file(enhanced))], photo)
    assert (comparison.width, comparison.height) == (88, 72)
    variants = {variant.key: variant for variant in comparison.variants}
    assert list(variants) == ["original", "decoded", "no-update", "plain", "errors"]
    found = {
        key: psnr_db(np.asarray(Image.open(BytesIO(variant.png))), photo)
        for key, variant in variants.items()
    }
    assert found["plain"] == psnr_db(reading.load_pixels("photo.jpg"), photo)
    assert found["plain"] < found["no-update"] < found["decoded"]
    assert variants["decoded"].figures["psnr_db"] == f"{found['decoded']:.2f} dB"
    payload = jpeg.extract(enhanced)
    assert comparison.files[0].parts == {
        "update": len(payload) - 10,
        "jpeg": len(enhanced) - len(payload),
    }
    edited = jpeg.insert(standard_file_of(photo), payload)
    other = compare([Entry("edited.jpg", open_file(edited))])
    assert [variant.key for variant in other.variants] == ["decoded", "plain"]


def standard_file_of(picture: np.ndarray) -> bytes:
    file = BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=70)
    return file.getvalue()


def test_bench(run, folder):
    Path("photo.jpg").unlink()
    facts = json.loads(run("bench", "-e", "1", "--content", "jpeg", "--json", ".").stdout)
    assert run("encode", "-e", "1", "--content", "jpeg", "photo.png").exit_code == 0
    assert facts["images"][0]["bytes"] == Path("photo.jpg").stat().st_size


def test_encode_by_the_name_of_its_output(run, folder, photo):
    common = ("encode", "-e", "1", "-q", "30", "--content", "jpeg", "photo.png")
    assert run(*common, "out.jpeg").exit_code == 0
    assert run(*common, "out.bin").exit_code == 0
    made = Path("out.jpeg").read_bytes()
    assert jpeg.extract(made)
    assert reading.load_pixels("out.jpeg").shape == photo.shape
    assert Container.unpack(Path("out.bin").read_bytes())
    assert run("verify", "out.jpeg").exit_code == run("verify", "out.bin").exit_code == 0
    # The metadata of the picture go with it; it is upright by now.
    assert run(*common[:-1], "photo.jpg", "upright.jpg").exit_code == 0
    with Image.open("upright.jpg") as upright:
        assert ORIENTATION not in upright.getexif()
        assert upright.size == (photo.shape[1], photo.shape[0])


@pytest.mark.parametrize(
    "arguments",
    [
        ("encode", "photo.png", "out.jpg"),
        ("encode", "--content", "webp", "photo.png", "out.jpg"),
        ("encode", "--content", "png", "photo.png", "out.png"),
        ("enhance", "photo.png"),
    ],
)
def test_usage_errors(run, folder, arguments):
    before = sorted(folder.iterdir())
    assert run(*arguments).exit_code == 2
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("decode", "photo.jpg", "new.png"), "photo.jpg: carries nothing for this decoder"),
        (("verify", "photo.jpg"), "photo.jpg: carries nothing for this decoder"),
        (("enhance", "photo.png", "photo.jpg", "-o", "out.webp"), "out.webp: "),
        (("strip", "photo.jpg", "-o", "out.avif"), "out.avif: "),
        (("enhance", "photo.png", "text.txt"), "text.txt: not a JPEG, WebP or AVIF file"),
        (("strip", "photo.png"), "photo.png: not a JPEG, WebP or AVIF file"),
        (("enhance", "small.png", "photo.jpg"), "photo.jpg: is 88 x 72, and its original 3 x 3"),
        (("enhance", "missing.png", "photo.jpg"), "missing.png: No such file or directory"),
        (("enhance", "photo.png", "photo.jpg", "-o", "a.webp"), "a.webp: would be a JPEG file;"),
        (("enhance", "photo.png", "photo.jpg", "-o", "a.png"), "a.png: would be a JPEG file;"),
        (("strip", "photo.jpg", "-o", "out.avif"), "out.avif: would be a JPEG file; name it like"),
    ],
)
def test_failures_are_one_line(run, folder, arguments, message):
    Image.new("RGB", (3, 3)).save("small.png")
    Path("text.txt").write_text("text")
    before = sorted(folder.iterdir())
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"nncodec: {message}")
    assert len(result.stderr.splitlines()) == 1
    assert sorted(folder.iterdir()) == before


def test_a_file_that_was_edited_since(run, folder, enhanced):
    payload = carrier_of(enhanced).extract(enhanced)
    with Image.open("photo.jpg") as picture:
        picture.save("edited.jpg", quality=60)
    Path("edited.jpg").write_bytes(jpeg.insert(Path("edited.jpg").read_bytes(), payload))
    result = run("decode", "--quiet", "-f", "edited.jpg")
    assert (result.exit_code, result.stderr) == (0, "")
    result = run("decode", "-f", "edited.jpg")
    assert result.exit_code == 0
    warned = [line for line in result.stderr.splitlines() if "edited.jpg: was changed" in line]
    assert len(warned) == 1 and warned[0].startswith("nncodec: ")
    result = run("verify", "edited.jpg")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "was changed" in result.stderr
    assert "matches         no\n" in run("info", "edited.jpg").stdout


def test_info(run, folder, enhanced):
    facts = json.loads(run("info", "--json", "photo.enhanced.jpg").stdout)
    size, update = len(enhanced), facts["update_bytes"]
    payload = jpeg.extract(enhanced)
    assert facts == {
        "input": "photo.enhanced.jpg",
        "format": "jpeg",
        "width": 72,
        "height": 88,
        "bytes": size,
        "bpp": 8 * size / (72 * 88),
        "payload_bytes": len(payload),
        "model": payload[1:5].hex(),
        "quality": payload[5] / 2,
        "update_bytes": len(payload) - 10,
        "matches": True,
    }
    assert update > 0
    lines = run("info", "photo.enhanced.jpg").stdout.splitlines()
    assert "matches         yes" in lines and "format          jpeg" in lines
    assert "payload bytes   -" in run("info", "photo.jpg").stdout.splitlines()
    Path("damaged.jpg").write_bytes(jpeg.insert(enhanced, b"\x09nothing known"))
    facts = json.loads(run("info", "--json", "damaged.jpg").stdout)
    assert (facts["payload_bytes"], facts["model"], facts["matches"]) == (14, None, False)


def test_info_does_not_import_torch(folder, enhanced):
    code = f"""
import sys
from codec.cli import main
main(["info", {str(folder / "photo.enhanced.jpg")!r}], standalone_mode=False)
assert not {{"torch", "safetensors"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
