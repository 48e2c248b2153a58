"""The comparison of pictures with and without an update, with small programs for the readers."""

from __future__ import annotations

from pathlib import Path

import pytest

from bitstream.carriers import jpeg
from scripts.conform.readers import READERS, main
from scripts.conform.standard_files import examples

SHOWS_THE_SAME = 'echo picture > "$3"'
SHOWS_THE_FILE = 'cp "$4" "$3"'
FAILS = "echo not today >&2; exit 1"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where programs are looked for before the shell's own."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'programs'}:/bin:/usr/bin")
    monkeypatch.setattr("scripts.conform.readers.READERS", READERS[:1])
    (tmp_path / "programs").mkdir()
    return tmp_path


@pytest.fixture
def picture(folder: Path) -> Path:
    path = folder / "a picture {0}.jpg"
    path.write_bytes(examples()["metadata.jpg"])
    return path


def install(folder: Path, script: str) -> None:
    program = folder / "programs" / "djpeg"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("script", "status", "verdict"),
    [
        (SHOWS_THE_SAME, 0, "identical"),
        (SHOWS_THE_FILE, 1, "DIFFERENT"),
        (FAILS, 1, "FAILS: not today"),
    ],
)
def test_verdicts(folder, picture, run_script, script, status, verdict):
    install(folder, script)
    found, out, _ = run_script(main, picture)
    assert found == status
    assert out.splitlines()[0] == f"{picture.name}\tdjpeg\t{verdict}"


def test_a_file_that_carries_a_payload_is_compared_without_it(folder, picture, run_script):
    plain = picture.read_bytes()
    picture.write_bytes(jpeg.insert(plain, b"its own"))
    install(folder, f'cp "$4" {folder}/$(wc -c < "$4"); echo picture > "$3"')
    assert run_script(main, picture)[0] == 0
    assert (folder / str(len(plain))).read_bytes() == plain
    assert (folder / str(len(plain) + 15)).read_bytes() == picture.read_bytes()


def test_missing_readers_count_unless_told_otherwise(folder, picture, run_script, monkeypatch):
    monkeypatch.setenv("PATH", str(folder))
    status, out, _ = run_script(main, picture)
    assert status == 1 and "\tdjpeg\tnot installed\n" in out
    status, out, _ = run_script(main, picture, "--available")
    assert status == 0 and "\tdjpeg\tnot installed\n" in out


def test_other_files_are_refused(folder, run_script):
    path = folder / "text.txt"
    path.write_bytes(b"text")
    for name in (path, folder / "missing.jpg"):
        status, _, err = run_script(main, name)
        assert status == 1
        assert Path(name).name in err and len(err.splitlines()) == 1
