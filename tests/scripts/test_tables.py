"""Tests of scripts/measure/tables.py."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from codec.picture.metrics import METRICS
from codec.research.tables import Row, TableError, append_row, columns, read_rows
from scripts.measure import tables

if TYPE_CHECKING:
    from tests.scripts.conftest import RunScript, WriteTable

COLUMNS = columns(Row)


def test_rows_come_back_as_written(write_table: WriteTable) -> None:
    path = write_table("a.tsv", codec="nncodec", effort="5")
    rows = read_rows(path)
    assert path.read_text().splitlines()[0].split("\t") == COLUMNS
    assert len(rows) == 8
    assert rows[0].key == ("a", "nncodec", "5", 10.0)
    assert rows[0].psnr_db == 27.0
    assert isinstance(rows[0].bytes, int)


def test_tables_without_a_metric_are_read_and_get_its_column(write_table: WriteTable) -> None:
    path = write_table("a.tsv")
    rows = read_rows(path)
    order = ["image", "psnr_db", *(c for c in COLUMNS if c not in ("image", *METRICS))]
    lines = ["\t".join(order)]
    lines += ["\t".join(str(getattr(row, name)) for name in order) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    older = read_rows(path)
    assert [row.psnr_db for row in older] == [row.psnr_db for row in rows]
    assert all(math.isnan(row.ssimulacra2) for row in older)
    append_row(path, replace(rows[0], image="c"))
    *kept, added = read_rows(path)
    assert [row.key for row in kept] == [row.key for row in rows]
    assert (added.image, added.ssimulacra2) == ("c", rows[0].ssimulacra2)
    assert path.read_text().splitlines()[0].split("\t") == COLUMNS
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("header", [COLUMNS[1:], [*COLUMNS, "butter"], [*COLUMNS, COLUMNS[0]]])
def test_columns_that_lack_or_are_unknown(tmp_path: Path, header: list[str]) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("\t".join(header) + "\n")
    with pytest.raises(TableError, match="header"):
        read_rows(path)


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.tsv"
    path.write_text("name\tvalue\n")
    with pytest.raises(TableError, match="header"):
        read_rows(path)


@pytest.mark.parametrize("line", ["a\t1\n", "a\t" + "\t".join(["x"] * (len(COLUMNS) - 1)) + "\n"])
def test_a_damaged_row_is_named(write_table: WriteTable, line: str) -> None:
    path = write_table("a.tsv")
    with path.open("a") as file:
        file.write(line)
    with pytest.raises(TableError, match="line 10"):
        read_rows(path)


def test_rows_of_an_effort_are_copied(
    tmp_path: Path, run_script: RunScript, write_table: WriteTable
) -> None:
    table, out = tmp_path / "effort.tsv", tmp_path / "out.tsv"
    for effort in ("1", "5"):
        write_table("effort.tsv", codec="nncodec", effort=effort)
    wanted = [row for row in read_rows(table) if row.effort == "5"]
    there = replace(wanted[1], bytes=1)
    append_row(out, there)
    for _ in range(2):
        status, _, err = run_script(tables.main, "--table", table, "--effort", 5, "--out", out)
        assert (status or 0, err) == (0, "")
    assert read_rows(out) == [there, wanted[0], *wanted[2:]]


@pytest.mark.parametrize("name", ["effort.tsv", "none.tsv"])
def test_nothing_to_copy_is_an_error(
    name: str, tmp_path: Path, write_table: WriteTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_table("effort.tsv", codec="nncodec", effort="1")
    arguments = ["--table", str(tmp_path / name), "--effort", "5", "--out", str(tmp_path / "out")]
    monkeypatch.setattr("sys.argv", ["tables", *arguments])
    with pytest.raises(SystemExit, match=rf"^tables: .*{name}"):
        tables.main()
    assert not (tmp_path / "out").exists()
