"""Tests of scripts/measure/tables.py."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scripts.measure.tables import COLUMNS, TableError, read_rows

if TYPE_CHECKING:
    from conftest import WriteTable


def test_rows_come_back_as_written(write_table: WriteTable) -> None:
    path = write_table("a.tsv", codec="nncodec", effort="5")
    rows = read_rows(path)
    assert path.read_text().splitlines()[0].split("\t") == list(COLUMNS)
    assert len(rows) == 8
    assert rows[0].key == ("a", "nncodec", "5", 10.0)
    assert rows[0].psnr_db == 27.0
    assert isinstance(rows[0].bytes, int)


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
