"""encode --content: which files are written, under which names, and that no picture is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from codec.contract.modes import Standard


@pytest.fixture(autouse=True)
def pictures(folder, pixels) -> None:
    """Besides photo.png: other.png, and two pictures with the suffix of a standard file."""
    Path("photo.bin").unlink()
    for name in ("other.png", "old.jpg", "older.jpg"):
        Image.fromarray(pixels).save(name)


def contents(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.mark.parametrize(
    ("arguments", "written", "standard_file"),
    [
        ("photo.png", {"photo.nni"}, False),
        ("photo.png old.jpg", {"photo.nni", "old.nni"}, False),
        ("--content jpeg photo.png", {"photo.jpg"}, True),
        ("--content avif photo.png", {"photo.avif"}, True),
        ("--content jpeg photo.png out.jpg", {"out.jpg"}, True),
        ("--content jpeg photo.png out.JPEG", {"out.JPEG"}, True),
        ("--content webp photo.png out.webp", {"out.webp"}, True),
        ("--content jpeg photo.png -o out.jpg", {"out.jpg"}, True),
        ("--content jpeg photo.png out.nni", {"out.nni"}, False),
        ("--content jpeg photo.png out.bin", {"out.bin"}, False),
        ("--content jpeg photo.png other.png", {"photo.jpg", "other.jpg"}, True),
        ("--content webp photo.png old.jpg", {"photo.webp", "old.webp"}, True),
        ("--content webp old.jpg older.jpg other.png", {"old.webp", "older.webp", "other.webp"}, 1),
        ("--content jpeg old.jpg older.jpg --output-dir new", {"new/old.jpg", "new/older.jpg"}, 1),
        (
            "--content jpeg -r . --output-dir new",
            {"new/photo.jpg", "new/other.jpg", "new/old.jpg", "new/older.jpg"},
            True,
        ),
    ],
)
def test_names(run, fake, folder, arguments, written, standard_file):
    before = contents(folder)
    result = run("encode", "--jobs", "1", *arguments.split())
    assert result.exit_code == 0, result.output
    after = contents(folder)
    assert after.keys() - before.keys() == written
    assert before.items() <= after.items()
    assert isinstance(fake.encode_options.mode, Standard) == bool(standard_file)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("photo.png out.jpg", "out.jpg is the name of a jpeg file: --content jpeg makes one"),
        ("photo.png -o out.webp", "--content webp makes one"),
        ("--content webp photo.png out.jpg", "--content jpeg makes one"),
        ("--content jpeg photo.png old.jpg", "old.jpg exists: is it input or output?"),
        ("--content jpeg -f photo.png old.jpg", "-o old.jpg -f overwrites it"),
        ("--content jpeg old.jpg older.jpg", "--output-dir DIR encodes it too"),
        ("--content png photo.png", "'png' is not one of"),
    ],
)
def test_usage_errors(run, folder, arguments, message):
    before = contents(folder)
    result = run("encode", "--jobs", "1", *arguments.split())
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert contents(folder) == before


@pytest.mark.parametrize("force", [[], ["-f"]])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("old.jpg", "old.jpg: is the input itself; -o gives the output another"),
        ("old.jpg -o old.jpg", "old.jpg: is the input itself; -o gives the output another"),
        ("-r .", "old.jpg: is an input too"),
        ("old.png old.jpg older.jpg", "old.jpg: is an input too"),
    ],
)
def test_inputs_are_never_overwritten(run, folder, arguments, message, force):
    Path("old.png").write_bytes(Path("photo.png").read_bytes())
    before = contents(folder)
    result = run("encode", "--jobs", "1", "--content", "jpeg", *force, *arguments.split())
    assert result.exit_code == 1
    assert f"nncodec: {message}" in result.stderr
    assert before.items() <= contents(folder).items()


def test_choices_of_contents_are_complete(run):
    result = run("encode", "--content", "heic", "photo.png")
    assert result.exit_code == 2
    choices = "learned, jpeg, webp, avif, jxl, compressai:NAME:QUALITY"
    assert f"'heic' is not one of {choices}" in " ".join(result.stderr.split())


def test_an_output_that_exists_is_overwritten_only_if_it_is_named_so(run):
    before = Path("old.jpg").read_bytes()
    command = ("encode", "--content", "jpeg", "photo.png", "-o", "old.jpg")
    assert run(*command).exit_code == 1
    assert Path("old.jpg").read_bytes() == before
    assert run(*command, "-f").exit_code == 0
    assert Path("old.jpg").read_bytes() != before


def test_resume_does_not_take_an_input_for_its_output(run):
    result = run("encode", "--content", "jpeg", "--resume", "old.jpg")
    assert result.exit_code == 1
    assert "is the input itself" in result.stderr


@pytest.mark.parametrize(("content", "standard_file"), [("jpeg", True), ("learned", False)])
def test_a_stream_is_what_the_content_says(run, fake, content, standard_file):
    data = Path("photo.png").read_bytes()
    assert run("encode", "--content", content, "-", "-", stdin=data).exit_code == 0
    assert isinstance(fake.encode_options.mode, Standard) == standard_file


def test_what_went_otherwise_is_said(run, fake):
    fake.report = type(fake.report)(note="carries nothing")
    result = run("encode", "--content", "jpeg", "photo.png")
    assert result.stderr.endswith("  9.8 s  carries nothing\n")
    result = run("encode", "--content", "jpeg", "other.png", "--json", "--quiet")
    assert json.loads(result.stdout)["note"] == "carries nothing"
