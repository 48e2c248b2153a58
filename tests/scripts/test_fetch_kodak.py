"""Tests of scripts/fetch_kodak.py, on two files that stand for the images."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scripts.measure import fetch

if TYPE_CHECKING:
    from tests.scripts.conftest import RunScript


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    contents = {"kodim01.png": b"first", "kodim02.png": b"second"}
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    digests = tuple(hashlib.sha256(data).hexdigest() for data in contents.values())
    monkeypatch.setattr(fetch, "NAMES", tuple(contents))
    monkeypatch.setattr(fetch, "SHA256", digests)
    return folder


def test_copies_and_keeps(run_script: RunScript, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run_script(fetch.main, "--from", source, "--out", out)[0] == 0
    assert sorted(path.name for path in out.iterdir()) == ["kodim01.png", "kodim02.png"]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run_script(fetch.main, "--from", empty, "--out", out)[0] == 0


def test_a_corrupted_image_is_an_error(run_script: RunScript, source: Path, tmp_path: Path) -> None:
    (source / "kodim02.png").write_bytes(b"secont")
    out = tmp_path / "out"
    status, _, err = run_script(fetch.main, "--from", source, "--out", out)
    assert status == 1
    assert "kodim02.png: not the original image" in err
    assert [path.name for path in out.iterdir()] == ["kodim01.png"]


def test_a_damaged_copy_is_replaced(run_script: RunScript, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "kodim01.png").write_bytes(b"half")
    assert run_script(fetch.main, "--from", source, "--out", out)[0] == 0
    assert (out / "kodim01.png").read_bytes() == b"first"


def test_the_table_has_24_different_images() -> None:
    assert len(set(fetch.SHA256)) == len(fetch.NAMES) == 24
