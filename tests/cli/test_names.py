"""IN... [OUT]: which names are inputs, and which one is the output."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

JSON = ("--json", "--quiet", "--jobs", "1")


def coded(name: str) -> Path:
    """A copy of photo.bin by another name."""
    return Path(shutil.copy("photo.bin", name))


@pytest.fixture
def other(folder) -> bytes:
    """Another picture, other.png, and the same without a suffix."""
    content = Path("photo.png").read_bytes()
    for name in ("other.png", "scan"):
        Path(name).write_bytes(content)
    return content


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        ("photo.png", {"photo.nni"}),
        ("photo.png out.bin", {"out.bin"}),
        ("photo.png -o out.bin", {"out.bin"}),
        ("-o out.png photo.png", {"out.png"}),
        ("photo.png other.png", {"photo.nni", "other.nni"}),
        ("photo.png scan", {"photo.nni", "scan.nni"}),
        ("photo.png other.png scan", {"photo.nni", "other.nni", "scan.nni"}),
        ("photo.png other.png --output-dir new/deep", {"new/deep/photo.nni", "new/deep/other.nni"}),
        ("-r . --output-dir new", {"new/photo.nni", "new/other.nni"}),
    ],
)
def test_encode(run, folder, other, arguments, written):
    before = {path for path in folder.rglob("*") if path.is_file()}
    result = run("encode", "--jobs", "1", *arguments.split())
    assert result.exit_code == 0, result.output
    after = {path for path in folder.rglob("*") if path.is_file()}
    assert {str(path.relative_to(folder)) for path in after - before} == written
    assert Path("other.png").read_bytes() == Path("scan").read_bytes() == other


@pytest.mark.parametrize("second", ["other.png", "scan"])
def test_force_does_not_turn_a_picture_into_an_output(run, other, second):
    assert run("encode", "-f", "--jobs", "1", "photo.png", second).exit_code == 0
    assert Path(second).read_bytes() == other


def test_a_missing_picture_is_not_an_output(run):
    result = run("encode", "--jobs", "1", "photo.png", "typo.png")
    assert result.exit_code == 1
    assert result.stderr.endswith("nncodec: typo.png: No such file or directory\n")
    assert Path("photo.nni").exists() and not Path("typo.png").exists()


@pytest.mark.parametrize(
    ("arguments", "last"),
    [
        ("encode photo.png other.png out.nni", "out.nni"),
        ("encode --content jpeg photo.png other.png out.jpg", "out.jpg"),
        ("encode --content jpeg photo.png other.png out.nni", "out.nni"),
        ("decode photo.bin photo.bin out.png", "out.png"),
    ],
)
def test_several_inputs_have_no_output(run, folder, other, arguments, last):
    before = sorted(folder.iterdir())
    result = run(*arguments.split())
    assert result.exit_code == 2
    reason = f"Error: {last} names the output of one input, and there are 2; --output-dir DIR is"
    assert reason in " ".join(result.stderr.split())
    assert sorted(folder.iterdir()) == before


def test_several_inputs_may_end_in_a_file_of_this_codec(run, other):
    coded("out.nni")
    names = ("photo.png", "other.png", "out.nni")
    assert run("encode", "--jobs", "1", *names, "--output-dir", "new").exit_code != 2
    assert {path.name for path in Path("new").iterdir()} == {"photo.nni", "other.nni"}


def test_a_picture_in_a_missing_folder_is_what_is_missing(run):
    result = run("encode", "no/photo.png")
    assert result.exit_code == 1
    assert result.stderr == "nncodec: no/photo.png: No such file or directory\n"


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        ("a.nni", {"a.png"}),
        ("a.nni b.png", {"b.png"}),
        ("a.nni b.nni", {"a.png", "b.png"}),
        ("a.nni photo.bin -f", {"a.png", "photo.png"}),
        ("-r . --output-dir new", {"new/a.png", "new/b.png", "new/photo.png"}),
    ],
)
def test_decode(run, folder, arguments, written):
    coded("a.nni"), coded("b.nni")
    Path("photo.png").unlink()
    result = run("decode", "--jobs", "1", *arguments.split())
    assert result.exit_code == 0, result.output
    assert {str(path.relative_to(folder)) for path in folder.rglob("*.png")} == written


@pytest.mark.parametrize(
    "arguments",
    [
        "encode photo.png other.png -o out.bin",
        "encode -r . -o out.bin",
        "encode photo.png -o out.bin --output-dir new",
        "encode - photo.png other.png",
        "encode photo.png --engine cluster",
        "encode photo.png --engine dask://host",
        "encode photo.png - --engine dask://host:1",
        "decode photo.bin -o out.bmp",
        "verify photo.bin photo.bin --against photo.png",
    ],
)
def test_usage_errors(run, folder, other, arguments):
    before = sorted(folder.iterdir())
    assert run(*arguments.split()).exit_code == 2
    assert sorted(folder.iterdir()) == before


def test_one_bad_file_does_not_stop_the_others(run):
    Path("bad.png").write_bytes(b"hello")
    result = run("encode", "--jobs", "1", "bad.png", "photo.png", "missing.png")
    assert result.exit_code == 1
    first, *rest = result.stderr.splitlines()
    assert first.startswith("photo.png -> photo.nni  ")
    assert rest == [
        "1 encoded, 2 failed",
        "nncodec: missing.png: No such file or directory",
        "nncodec: bad.png: is not an image that can be read",
    ]


def test_json_of_many_is_one_object_in_each_line(run):
    Path("bad.png").write_bytes(b"hello")
    lines = run("encode", *JSON, "bad.png", "photo.png").stdout.splitlines()
    bad, good = map(json.loads, lines)
    assert bad == {"input": "bad.png", "error": "bad.png: is not an image that can be read"}
    assert (good["input"], good["output"], good["update_bytes"]) == ("photo.png", "photo.nni", 3)


def test_json_of_a_folder_is_lines_even_for_one_file(run):
    assert len(run("encode", *JSON, "-r", ".").stdout.splitlines()) == 1


def test_json_of_decode_and_verify(run):
    facts = json.loads(run("decode", *JSON, "photo.bin", "x.png").stdout)
    names = {"input": "photo.bin", "output": "x.png"}
    assert facts == names | {"width": 12, "height": 8, "warning": "", "note": ""}
    facts = json.loads(run("verify", *JSON, "photo.bin").stdout)
    size = {"input": "photo.bin", "width": 12, "height": 8}
    assert facts == size | {"psnr_db": None, "ssimulacra2": None, "ms_ssim": None}
    facts = json.loads(run("verify", *JSON, "photo.bin", "--against", "photo.png").stdout)
    assert facts == size | {"psnr_db": None, "ssimulacra2": 100, "ms_ssim": None}


def test_info_and_verify_take_many(run):
    coded("a.nni")
    lines = run("info", "-r", ".").stdout.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["a.nni", "photo.bin"]
    lines = run("info", "--json", "a.nni", "photo.bin").stdout.splitlines()
    assert [json.loads(line)["input"] for line in lines] == ["a.nni", "photo.bin"]
    lines = run("verify", "--jobs", "1", "a.nni", "photo.bin").stdout.splitlines()
    assert lines == ["a.nni: ok  12 x 8", "photo.bin: ok  12 x 8"]


def test_resume(run, monkeypatch):
    """What the fake codec writes says quality 50.5 and a model of its own."""
    monkeypatch.setattr("codec.batch.checks.default_ids", lambda: {"learned": b"\x01\x02\x03\x04"})
    options = ("encode", "--jobs", "1", "-q", "50.5", "-r", ".")
    assert run(*options).exit_code == 0
    before = Path("photo.nni").stat().st_mtime_ns
    result = run(*options, "--resume")
    assert result.exit_code == 0
    assert result.stderr.splitlines()[-1] == "1 skipped"
    assert Path("photo.nni").stat().st_mtime_ns == before
