"""--shared-update: what `encode` writes and refuses, and how the files find their update again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import codec
from bitstream.update.methods import update_id
from codec import files
from codec.cli import main
from codec.picture import reading

SET = ["encode", "photo.png", "other.png", "--shared-update", "set.nnu"]
OUTPUTS = ["photo.nni", "other.nni", "set.nnu"]


@pytest.fixture
def other(folder, pixels) -> None:
    """A second picture, beside photo.png."""
    Image.fromarray(pixels ^ 255).save("other.png")


def written() -> list[str]:
    return [name for name in OUTPUTS if Path(name).exists()]


def test_the_update_is_written_before_the_files_that_need_it(run, fake, other, monkeypatch):
    names = []
    opened = files.open_output
    monkeypatch.setattr(
        files, "open_output", lambda name, **rest: names.append(name) or opened(name, **rest)
    )
    result = run(*SET, "-q", "70")
    size = Path("photo.nni").stat().st_size
    assert names == ["set.nnu", "photo.nni", "other.nni"]
    assert Path("set.nnu").read_bytes() == fake.update
    assert fake.encode_options.mode.quality == 70
    assert result.stderr.splitlines() == [
        "set.nnu  16 B  for 2 of 2 pictures",
        f"photo.png -> photo.nni  {size} B  2.250 bpp  34.93 dB  9.8 s",
        f"other.png -> other.nni  {size} B  2.250 bpp  34.93 dB  9.8 s",
        "2 encoded",
    ]


def test_json_has_an_object_for_the_update(run, fake, other):
    lines = [json.loads(line) for line in run(*SET, "--json", "--quiet").stdout.splitlines()]
    assert lines[0] == {"output": "set.nnu", "bytes": 16, "sharing": 2, "pictures": 2}
    assert [line["output"] for line in lines[1:]] == ["photo.nni", "other.nni"]


def test_an_update_that_does_not_pay_is_not_written(run, fake, other):
    fake.update = b""
    result = run(*SET)
    assert result.exit_code == 0
    assert result.stderr.startswith("set.nnu is not written: ")
    assert written() == ["photo.nni", "other.nni"]


@pytest.mark.parametrize(
    "arguments",
    [
        "photo.png",
        "photo.png out.nni",
        "photo.png -o out.nni",
        "-",
        "photo.png -",
        "photo.png other.png --content jpeg",
        "photo.png other.png --target-size 20K",
        "photo.png other.png --lambda 0.01",
        "photo.png other.png --time-limit 9",
        "photo.png other.png --report page.html",
        "photo.png other.png --no-update",
        "photo.png other.png --resume",
        "photo.png other.png --jobs 2",
        "photo.png other.png --engine dask://host:1",
        "photo.png other.png --shared-update set.bin",
    ],
)
def test_what_a_set_cannot_be_is_wrong_usage(run, fake, other, arguments):
    result = run("encode", "--shared-update", "set.nnu", *arguments.split())
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    assert fake.encode_options is None
    assert not written()


@pytest.mark.parametrize("taken", OUTPUTS)
def test_existing_files_are_refused_before_the_work(run, fake, other, taken):
    Path(taken).write_bytes(b"old")
    result = run(*SET)
    assert result.exit_code == 1
    complaint = f"nncodec: {taken}: exists already; use -f to overwrite it"
    assert complaint in result.stderr.splitlines()
    assert fake.encode_options is None
    assert written() == [taken]
    assert Path(taken).read_bytes() == b"old"
    assert run(*SET, "-f").exit_code == 0
    assert Path("set.nnu").read_bytes() == fake.update


def test_a_picture_that_cannot_be_read_spoils_the_set(run, fake, other):
    Path("other.png").write_bytes(b"no picture")
    result = run(*SET)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith("nncodec: other.png: ")
    assert fake.encode_options is None
    assert not written()


def test_an_input_is_no_update_file(run, fake, other):
    shutil.copy("photo.png", "set.nnu")
    result = run("encode", "set.nnu", "other.png", "--shared-update", "set.nnu", "-f")
    assert (result.exit_code, result.stderr) == (1, "nncodec: set.nnu: is an input too\n")
    assert fake.encode_options is None


@pytest.mark.parametrize("command", ["decode", "verify", "view"])
def test_what_is_no_update_is_refused(run, folder, command):
    for name, reason in (("photo.png", "not a file of a shared update"), ("no.nnu", "No such")):
        result = run(command, "photo.bin", "--shared-update", name)
        assert result.exit_code == 1
        assert result.stderr.startswith(f"nncodec: {name}: {reason}")
        assert len(result.stderr.splitlines()) == 1


def test_updates_reach_the_codec(run, fake):
    Path("set.nnu").write_bytes(fake.update)
    Path("next.nnu").write_bytes(fake.update + b"2")
    options = ["--shared-update", "set.nnu", "--shared-update", "next.nnu"]
    assert run("decode", "photo.bin", "out.png", *options).exit_code == 0
    assert fake.decode_options.updates == (fake.update, fake.update + b"2")


def test_info_on_an_update(run, fake):
    Path("set.nnu").write_bytes(fake.update)
    wanted = update_id(fake.update).hex()
    facts = json.loads(run("info", "--json", "set.nnu").stdout)
    assert facts == {
        "input": "set.nnu",
        "bytes": 16,
        "model": b"abcd".hex(),
        "format_version": 1,
        "shared_update": wanted,
    }
    assert f"shared update   {wanted}" in run("info", "set.nnu").stdout.splitlines()
    several = run("info", "set.nnu", "photo.bin").stdout.splitlines()
    assert several[0] == f"set.nnu: shared update {wanted}  16 B"


def call(*arguments: str):
    return CliRunner().invoke(main, arguments, prog_name="nncodec")


@pytest.fixture(scope="module")
def encoded(tmp_path_factory) -> Path:
    """A folder with two crops of a page of text, their files, and the update that these share."""
    from skimage import data

    folder = tmp_path_factory.mktemp("encoded")
    page = data.page()
    for name, top in (("a.png", 10), ("b.png", 100)):
        Image.fromarray(page[top : top + 80, 20:220]).convert("RGB").save(folder / name)
    pictures = (str(folder / name) for name in ("a.png", "b.png"))
    update = str(folder / "ab.nnu")
    result = call("encode", "-q80", "-e1", *pictures, "--shared-update", update)
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def copied(encoded, tmp_path, monkeypatch) -> Path:
    """The current folder, with a copy of all that."""
    shutil.copytree(encoded, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_files_find_the_update_beside_them(copied):
    Path("damaged.nnu").write_bytes(b"NNU")
    Path("ab.nnu").rename("renamed.nnu")
    assert call("decode", "a.nni", "a-decoded.png").exit_code == 0
    assert call("verify", "b.nni", "--against", "b.png").exit_code == 0
    pixels = codec.decode("a.nni")
    assert np.array_equal(reading.load_pixels("a-decoded.png"), pixels)
    elsewhere = codec.DecodeOptions(updates=(Path("renamed.nnu").read_bytes(),))
    assert np.array_equal(codec.decode(Path("a.nni").read_bytes(), elsewhere), pixels)


def test_pillow_finds_it_too(copied, pillow):
    codec.register_pillow()
    with Image.open("a.nni") as opened:
        assert np.array_equal(np.asarray(opened), codec.decode("a.nni"))


def test_a_missing_update_is_named(copied):
    wanted = update_id(Path("ab.nnu").read_bytes()).hex()
    Path("there").mkdir()
    Path("ab.nnu").rename("there/ab.nnu")
    for command in (["decode", "a.nni", "a-decoded.png"], ["verify", "a.nni"], ["view", "a.nni"]):
        result = call(*command)
        assert result.exit_code == 1
        assert result.stderr.startswith(f"nncodec: a.nni: needs the shared update {wanted}")
        assert len(result.stderr.splitlines()) == 1
    assert not Path("a-decoded.png").exists()
    result = call("decode", "a.nni", "a-decoded.png", "--shared-update", "there/ab.nnu")
    assert result.exit_code == 0
    assert json.loads(call("info", "--json", "a.nni").stdout)["shared_update"] == wanted
    assert f"shared update   {wanted}" in call("info", "a.nni").stdout.splitlines()


def test_a_picture_from_a_pipe_is_told_its_update(copied):
    data = Path("a.nni").read_bytes()
    runner = CliRunner()
    assert runner.invoke(main, ["verify", "-"], input=data).exit_code == 1
    arguments = ["verify", "-", "--shared-update", "ab.nnu"]
    assert runner.invoke(main, arguments, input=data).exit_code == 0
