"""Tests of scripts/bdrate.py and of the curves it reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from codec.picture.metrics import METRICS
from codec.research import bdrate

if TYPE_CHECKING:
    from tests.scripts.conftest import RunScript, WriteTable


@pytest.fixture
def anchors(tmp_path: Path) -> Path:
    path = tmp_path / "anchors.json"
    points = [[0.1, 25.0], [0.5, 30.0], [2.0, 37.0]]
    path.write_text(json.dumps({"old": {"source": "a paper", "points": points}}))
    return path


def last_line(out: str) -> str:
    return out.splitlines()[-1]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("rate", "expected"), [(1.0, "+0.00 %"), (0.9, "-10.00 %")])
def test_scaled_rates(
    run_script: RunScript, write_table: WriteTable, metric: str, rate: float, expected: str
) -> None:
    anchor, test = write_table("a.tsv"), write_table("b.tsv", codec="webp", rate=rate)
    status, out, _ = run_script(bdrate.main, anchor, test, "--metric", metric)
    assert status == 0
    assert last_line(out) == expected
    assert f"mean of 2 images, each by itself: {expected}" in out


def test_only_common_images_count(run_script: RunScript, write_table: WriteTable) -> None:
    anchor = write_table("a.tsv", images=("a", "b", "c"))
    test = write_table("b.tsv", images=("a", "b"), rate=0.8)
    status, out, _ = run_script(bdrate.main, anchor, test)
    assert status == 0
    assert last_line(out) == "-20.00 %"


def test_images_not_yet_complete_do_not_count(
    run_script: RunScript, write_table: WriteTable
) -> None:
    anchor, test = write_table("a.tsv"), write_table("b.tsv")
    test.write_text("".join(test.read_text().splitlines(keepends=True)[:-1]))
    status, out, _ = run_script(bdrate.main, anchor, test)
    assert status == 0
    assert "mean of 1 images" in out


def test_one_curve_is_chosen_from_several(run_script: RunScript, write_table: WriteTable) -> None:
    path = write_table("a.tsv")
    write_table("a.tsv", codec="nncodec", effort="5", rate=0.5)
    status, out, _ = run_script(bdrate.main, f"{path}:jpeg", f"{path}:nncodec:5")
    assert (status, last_line(out)) == (0, "-50.00 %")
    status, _, err = run_script(bdrate.main, path, path)
    assert status == 1
    assert "has jpeg, nncodec effort 5; choose one" in err


def test_an_anchor_is_a_curve_of_means(
    run_script: RunScript, write_table: WriteTable, anchors: Path
) -> None:
    status, out, _ = run_script(bdrate.main, f"{anchors}:old", write_table("a.tsv"))
    assert status == 0
    assert "old (published)" in out
    assert "each by itself" not in out
    assert last_line(out).endswith(" %")


def test_failures_are_one_line(
    run_script: RunScript, write_table: WriteTable, anchors: Path, tmp_path: Path
) -> None:
    table = write_table("a.tsv")
    other_images = write_table("b.tsv", images=("c",))
    too_good = write_table("c.tsv", gain_db=40.0)
    for test, reason in (
        (tmp_path / "missing.tsv", "No such file"),
        (tmp_path / "a.txt", "not FILE.tsv"),
        (f"{table}:webp", "no such rows"),
        (other_images, "no image in common"),
        (too_good, "no range of qualities in common"),
        (f"{anchors}:new", "from old"),
    ):
        status, out, err = run_script(bdrate.main, table, test)
        assert (status, out) == (1, "")
        assert reason in err
        assert err.startswith("bdrate: ")
        assert err.count("\n") == 1


def test_usage_error(run_script: RunScript) -> None:
    status, _, _ = run_script(bdrate.main, "a.tsv")
    assert status == 2
