"""The result tables: one row per image and setting, tab separated.

results/README.md defines every column; the fields of `Row`, in order, are the header line.
"""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path
from typing import get_type_hints


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


def append_row(path: Path, row: Row) -> None:
    """Adds a row, and the header line before the first one; on disk when it returns."""
    values = dataclasses.asdict(row)
    line = "\t".join(format(values[name], _FORMATS.get(name, "")) for name in COLUMNS)
    with path.open("a", encoding="utf-8") as file:
        if file.tell() == 0:
            line = "\t".join(COLUMNS) + "\n" + line
        file.write(line + "\n")


def _parse(line: str, columns: tuple[str, ...], place: str) -> Row:
    texts = line.split("\t")
    if len(texts) != len(columns):
        raise TableError(f"{place}: {len(texts)} fields instead of {len(columns)}")
    try:
        return Row(*(_TYPES[name](text) for name, text in zip(columns, texts, strict=True)))
    except ValueError as error:
        raise TableError(f"{place}: {error}") from None
