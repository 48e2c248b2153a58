"""The table of effort levels."""

from __future__ import annotations

import itertools
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from codec.contract import effort
from codec.contract.effort import Effort
from codec.research.tables import read_rows
from scripts.measure import effort as effort_table

if TYPE_CHECKING:
    from tests.scripts.conftest import RunScript


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    from skimage import data

    (tmp_path / "images").mkdir()
    Image.fromarray(np.ascontiguousarray(data.astronaut()[:48, 180:244])).save(
        tmp_path / "images" / "a.png"
    )
    shutil.copy(Path(__file__).parents[2] / "docs" / "effort.md", tmp_path)
    return tmp_path


def run(run_script: RunScript, folder: Path, *levels: int) -> tuple[int, str, str]:
    return run_script(
        effort_table.main,
        *("--images", folder / "images", "--out", folder / "effort.tsv"),
        *("--document", folder / "effort.md", "--qualities", "30,60", "--levels", *levels),
    )


def test_measures_what_is_missing_and_fills_the_document(
    run_script: RunScript, folder: Path
) -> None:
    status, _, err = run(run_script, folder, 1)
    assert status == 0 and len(err.splitlines()) == 4
    status, _, err = run(run_script, folder, 1, 2)
    assert status == 0 and len(err.splitlines()) == 2
    assert {row.effort for row in read_rows(folder / "effort.tsv")} == {"0", "1", "2"}
    text = (folder / "effort.md").read_text()
    table = text.partition("<!-- begin effort -->\n")[2].partition("<!-- end effort -->")[0]
    lines = [line.split(" | ") for line in table.splitlines()]
    assert [line[0] for line in lines[2:]] == ["| 0", "| 1", "| 2"]
    assert lines[2][1] == "one pass of the networks" and lines[3][3].endswith("% |")


def test_a_level_that_is_passed_has_the_file_it_would_have_alone(
    run_script: RunScript, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels = [Effort(update=False, adds="nothing")]
    levels += [Effort(True, rounds=rounds, latent_steps=2, adds="more") for rounds in (1, 2)]
    monkeypatch.setattr(effort, "efforts", lambda: levels)
    monkeypatch.setattr(time, "perf_counter", itertools.count().__next__)
    assert run(run_script, folder, 1, 2)[0] == 0
    passed = {row.key: row for row in read_rows(folder / "effort.tsv")}
    (folder / "effort.tsv").unlink()
    assert run(run_script, folder, 1)[0] == 0
    alone = read_rows(folder / "effort.tsv")
    assert {row.effort for row in alone} == {"0", "1"}
    for row in alone:
        again = passed[row.key]
        assert (again.bytes, again.psnr_db) == (row.bytes, row.psnr_db)
        assert (again.update_bytes, again.prior_bytes) == (row.update_bytes, row.prior_bytes)
    assert all(
        passed["a", "nncodec", "1", quality].enc_s < passed["a", "nncodec", "2", quality].enc_s
        for quality in (30, 60)
    )


def test_a_document_without_a_place_is_an_error(run_script: RunScript, folder: Path) -> None:
    (folder / "effort.md").write_text("nothing")
    status, _, err = run(run_script, folder, 0)
    assert status == 1
    assert err.splitlines()[-1] == "effort: there is no place for the table effort"
    assert (folder / "effort.md").read_text() == "nothing"
