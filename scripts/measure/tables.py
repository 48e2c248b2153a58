"""The result tables: one row per image and setting, tab separated.

results/README.md defines every column; the fields of `Row`, in order, are the header line.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar, get_type_hints

T = TypeVar("T")


class TableError(Exception):
    """A result file that cannot be read as one."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One image coded with one setting."""

    image: str
    width: int
    height: int
    codec: str
    effort: str
    quality: float
    bytes: int
    bpp: float
    psnr_db: float
    ms_ssim: float
    enc_s: float
    dec_s: float
    update_bytes: int
    version: str
    prior_bytes: int = 0

    @property
    def key(self) -> tuple[str, str, str, float]:
        """What makes two rows the same measurement."""
        return self.image, self.codec, self.effort, self.quality


COLUMNS = tuple(field.name for field in dataclasses.fields(Row))
WITHOUT_PRIOR = COLUMNS[:-1]
"""Of tables that are older than the updates of the prior, and of files that have none."""
_TYPES = get_type_hints(Row)
_FORMATS = {
    "quality": "g",
    "bpp": ".6f",
    "psnr_db": ".4f",
    "ms_ssim": ".6f",
    "enc_s": ".4f",
    "dec_s": ".4f",
}


def read_rows(path: Path) -> list[Row]:
    """Reads a result file; raises TableError where it is not one."""
    try:
        header, *lines = path.read_text(encoding="utf-8").splitlines() or [""]
    except UnicodeDecodeError:
        raise TableError(f"{path}: not a text file") from None
    columns = tuple(header.split("\t"))
    if columns not in (COLUMNS, WITHOUT_PRIOR):
        raise TableError(f"{path}: the header line is not that of a result file")
    return [
        _parse(line, columns, f"{path}, line {number}")
        for number, line in enumerate(lines, start=2)
    ]


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of any table, by the names of its columns."""
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def read_typed(path: Path, cls: type[T]) -> list[T]:
    """The rows of a table whose columns are the fields of a dataclass; none if it is not there."""
    if not path.exists():
        return []
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    types = get_type_hints(cls)
    names = [field.name for field in dataclasses.fields(cls)]
    if header.split("\t") != names:
        raise SystemExit(f"{path}: these are other columns than {', '.join(names)}")
    cells = (zip(names, line.split("\t"), strict=True) for line in lines)
    return [cls(*(types[name](cell) for name, cell in row)) for row in cells]


def append_typed(path: Path, row: object, formats: Mapping[str, str] = _FORMATS) -> None:
    """Adds a row, and the header line before the first one; on disk when it returns.

    Args:
        path: of the table.
        row: a dataclass; its fields are the columns.
        formats: of those that are not written as they are.
    """
    names = [field.name for field in dataclasses.fields(row)]
    line = "\t".join(format(getattr(row, name), formats.get(name, "")) for name in names)
    with path.open("a", encoding="utf-8") as file:
        if file.tell() == 0:
            line = "\t".join(names) + "\n" + line
        file.write(line + "\n")


def _parse(line: str, columns: tuple[str, ...], place: str) -> Row:
    texts = line.split("\t")
    if len(texts) != len(columns):
        raise TableError(f"{place}: {len(texts)} fields instead of {len(columns)}")
    try:
        return Row(*(_TYPES[name](text) for name, text in zip(columns, texts, strict=True)))
    except ValueError as error:
        raise TableError(f"{place}: {error}") from None
