"""Every failure: one line on standard error, exit code 1, the output as it was before."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

import codec
from codec import files
from codec.errors import OutputError, VerifyError


def assert_one_line(result, start: str) -> None:
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith(f"nncodec: {start}")


@pytest.fixture(autouse=True)
def leaves_no_partial_file(folder):
    yield
    assert not list(folder.rglob("*.part"))


@pytest.mark.parametrize("command", ["encode no out", "decode no", "info no", "verify no"])
def test_missing_input(run, folder, command):
    assert_one_line(run(*command.split()), "no: No such file or directory")
    assert sorted(path.name for path in folder.iterdir()) == ["photo.bin", "photo.png"]


def test_a_picture_is_not_decoded(run):
    reason = "photo.png: is the input itself; -o names the picture, if it is an nncodec, JPEG"
    assert_one_line(run("decode", "photo.png"), reason)


def test_input_is_a_folder(run, folder):
    Path("album").mkdir()
    assert_one_line(run("encode", "album", "out.bin"), "album: Is a directory")


def test_not_an_image(run):
    Path("notes.txt").write_text("hello")
    assert_one_line(run("encode", "notes.txt", "out.bin"), "notes.txt: is not an image")
    assert not Path("out.bin").exists()


def test_output_exists(run):
    before = Path("photo.bin").read_bytes()
    assert_one_line(run("encode", "photo.png", "photo.bin"), "photo.bin: exists already; use -f")
    assert_one_line(run("decode", "photo.bin"), "photo.png: exists already; use -f")
    assert Path("photo.bin").read_bytes() == before


def test_force_overwrites(run):
    Path("out.bin").write_bytes(b"old")
    assert run("encode", "-f", "photo.png", "out.bin").exit_code == 0
    assert Path("out.bin").read_bytes() != b"old"


def test_force_keeps_a_link(run):
    Path("real.bin").write_bytes(b"old")
    Path("link.bin").symlink_to("real.bin")
    assert run("encode", "-f", "photo.png", "link.bin").exit_code == 0
    assert Path("link.bin").is_symlink()
    assert Path("real.bin").read_bytes() != b"old"


def test_force_does_not_replace_a_folder(run):
    Path("album").mkdir()
    assert_one_line(run("encode", "-f", "photo.png", "album"), "album: is a folder")


def test_force_keeps_permissions(run):
    for name, mode in (("private.bin", 0o600), ("shared.bin", 0o664), ("sealed.bin", 0o400)):
        Path(name).write_bytes(b"old")
        Path(name).chmod(mode)
        assert run("encode", "-f", "photo.png", name).exit_code == 0
        assert (Path(name).stat().st_mode & 0o7777, Path(name).stat().st_size > 3) == (mode, True)


def test_new_files_have_the_permissions_that_others_get(run):
    run("encode", "photo.png", "new.bin")
    Path("other").touch()
    assert Path("new.bin").stat().st_mode == Path("other").stat().st_mode


def test_a_link_to_nothing_is_an_output_that_exists(run):
    Path("link.bin").symlink_to("real.bin")
    assert_one_line(
        run("encode", "photo.png", "link.bin"), "link.bin: is a link to nothing; use -f"
    )
    assert not Path("real.bin").exists()
    assert run("encode", "-f", "photo.png", "link.bin").exit_code == 0
    assert Path("link.bin").is_symlink()
    assert Path("real.bin").read_bytes() == Path("photo.bin").read_bytes()


def test_links_that_lead_nowhere_are_refused_even_so(run):
    Path("far.bin").symlink_to("nowhere/real.bin")
    Path("round.bin").symlink_to("round.bin")
    assert_one_line(run("encode", "-f", "photo.png", "far.bin"), "far.bin: the folder ")
    assert_one_line(run("encode", "-f", "photo.png", "round.bin"), "round.bin: ")
    assert Path("far.bin").is_symlink() and Path("round.bin").is_symlink()


def test_the_folder_is_synchronised_after_the_file_has_its_name(folder, monkeypatch):
    synchronised = []

    def fsync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        synchronised.append((is_folder, Path("out").exists()))

    monkeypatch.setattr("os.fsync", fsync)
    with files.open_output("out", force=False) as file:
        file.write(b"new")
    assert synchronised == [(False, False), (True, True)]


def test_output_folder_missing(run):
    result = run("encode", "photo.png", "nowhere/out.bin")
    assert_one_line(result, "nowhere/out.bin: the folder nowhere does not exist")


@pytest.mark.parametrize("command", ["decode short x.png", "verify short", "info short"])
def test_truncated_file(run, command):
    Path("short").write_bytes(Path("photo.bin").read_bytes()[:30])
    assert_one_line(run(*command.split()), "short: damaged or cut short")
    assert not Path("x.png").exists()


def test_empty_file(run):
    Path("empty").touch()
    assert_one_line(run("decode", "empty"), "empty: ")
    assert_one_line(run("encode", "empty", "out.bin"), "empty: is not an image")


def test_decode_of_something_else(run):
    assert_one_line(run("decode", "photo.png", "x.png"), "photo.png: not a file of this format")


def test_interrupt_leaves_the_old_output(run, fake, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setitem(vars(codec), "encode", interrupted)
    before = Path("photo.bin").read_bytes()
    result = run("encode", "-f", "photo.png", "photo.bin")
    assert result.exit_code == 130
    assert result.stderr == "nncodec: interrupted\n"
    assert Path("photo.bin").read_bytes() == before


@pytest.mark.parametrize("failure", [KeyboardInterrupt, MemoryError, ValueError])
def test_failure_while_writing_leaves_the_old_output(folder, failure):
    Path("out.bin").write_bytes(b"old")
    with pytest.raises(failure), files.open_output("out.bin", force=True) as file:
        file.write(b"half")
        raise failure
    assert Path("out.bin").read_bytes() == b"old"


def test_failure_while_writing_leaves_standard_output_empty(folder, capfdbinary):
    with pytest.raises(ValueError), files.open_output("-", force=False) as file:
        file.write(b"half")
        raise ValueError
    assert capfdbinary.readouterr().out == b""


def test_full_disk(folder, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError, match="No space left"), files.open_output("out", force=False):
        pass
    assert not Path("out").exists()


def test_binary_data_is_not_sent_to_a_terminal(run, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    with pytest.raises(OutputError, match="terminal"):
        files.check_output("-", force=True)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (VerifyError("two\nlines"), "two lines"),
        (RuntimeError("unforeseen\n\ndetails"), "RuntimeError: unforeseen details"),
        (MemoryError(), "MemoryError:"),
    ],
)
def test_any_failure_is_one_line(run, monkeypatch, error, message):
    def fail(*_):
        raise error

    monkeypatch.setitem(vars(codec), "restore", fail)
    assert_one_line(run("decode", "photo.bin", "x.png"), f"photo.bin: {message}")
