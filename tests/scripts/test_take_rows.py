"""Rows of one effort, taken out of a table of all of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scripts.measure import take_rows
from scripts.measure.tables import append_typed, read_rows

if TYPE_CHECKING:
    from conftest import RunScript, WriteTable


def test_rows_of_an_effort_are_copied(
    tmp_path: Path, run_script: RunScript, write_table: WriteTable
) -> None:
    table, out = tmp_path / "effort.tsv", tmp_path / "out.tsv"
    for effort in ("1", "5"):
        write_table("effort.tsv", codec="nncodec", effort=effort)
    wanted = [row for row in read_rows(table) if row.effort == "5"]
    there = replace(wanted[1], bytes=1)
    append_typed(out, there)
    for _ in range(2):
        status, _, err = run_script(take_rows.main, "--table", table, "--effort", 5, "--out", out)
        assert (status or 0, err) == (0, "")
    assert read_rows(out) == [there, wanted[0], *wanted[2:]]


@pytest.mark.parametrize("name", ["effort.tsv", "none.tsv"])
def test_nothing_to_copy_is_an_error(
    name: str, tmp_path: Path, write_table: WriteTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_table("effort.tsv", codec="nncodec", effort="1")
    arguments = ["--table", str(tmp_path / name), "--effort", "5", "--out", str(tmp_path / "out")]
    monkeypatch.setattr("sys.argv", ["take_rows", *arguments])
    with pytest.raises(SystemExit, match=rf"^take_rows: .*{name}"):
        take_rows.main()
    assert not (tmp_path / "out").exists()
