"""Reads and writes result tables.

A table is tab separated; its columns are the fields of a dataclass, those of a codec's
measurements the fields of `Row`, with a column for each metric there is.  results/README.md defines
every column.
"""

from __future__ import annotations

import csv
import dataclasses
import math
import os
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from codec.research.metrics import MEASURED

T = TypeVar("T")


class TableError(Exception):
    """A result file that cannot be read as one."""


def column(form: str, default: Any = dataclasses.MISSING) -> Any:
    """A field of a row that is written in this format, say ".4f"."""
    return dataclasses.field(metadata={"format": form}, default=default)


@dataclasses.dataclass(frozen=True)
class RowColumns:
    """One image coded with one setting."""

    image: str
    width: int
    height: int
    codec: str
    effort: str
    quality: float = column("g")
    bytes: int
    bpp: float = column(".6f")
    enc_s: float = column(".4f")
    dec_s: float = column(".4f")
    update_bytes: int
    version: str
    prior_bytes: int = 0
    """Absent from tables of files that have no such updates."""

    @property
    def key(self) -> tuple[str, str, str, float]:
        """What makes two rows the same measurement."""
        return self.image, self.codec, self.effort, self.quality


Row = dataclasses.make_dataclass(
    "Row",
    [
        (name, float, column(f".{metric.decimals + 2}f", math.nan))
        for name, metric in MEASURED.items()
    ],
    bases=(RowColumns,),
    frozen=True,
)
"""A coding with the figures of all metrics; nan where there is none."""


def columns(cls: type) -> list[str]:
    """The header of a table of these rows."""
    return [field.name for field in dataclasses.fields(cls)]


def read_rows(path: Path, cls: type[T] = Row) -> list[T]:
    """Reads a table.

    Args:
        path: of the file.
        cls: dataclass whose fields are the columns, in any order; those with defaults may lack.

    Raises:
        TableError: it is not a table of such rows.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            header, *lines = reader or [[]]
    except (UnicodeDecodeError, ValueError):
        raise TableError(f"{path}: not a table") from None
    required = {f.name for f in dataclasses.fields(cls) if f.default is dataclasses.MISSING}
    names = set(header)
    if len(names) < len(header) or not required <= names <= {*columns(cls)}:
        raise TableError(f"{path}: the header line is not {', '.join(columns(cls))}")
    types = [get_type_hints(cls)[name] for name in header]
    rows = []
    for number, cells in enumerate(lines, start=2):
        try:
            values = (_parse(*pair) for pair in zip(cells, types, strict=True))
            rows.append(cls(**dict(zip(header, values, strict=True))))
        except ValueError as error:
            raise TableError(f"{path}, line {number}: {error}") from None
    return rows


def append_row(path: Path, row: object) -> None:
    """Adds a row, and the header line before the first one; on disk when it returns.

    A table that lacks columns gets them, empty of figures, before its first row that has them.
    """
    header = "\t".join(columns(type(row))) + "\n"
    rows = []
    if path.exists() and path.stat().st_size:
        with path.open(encoding="utf-8") as file:
            if file.readline() == header:
                header = ""
            else:
                rows = read_rows(path, type(row))
    if not rows:
        with path.open("a", encoding="utf-8") as file:
            file.write(header + _line(row))
        return
    whole = path.with_suffix(".partial")
    whole.write_text(header + "".join(map(_line, [*rows, row])), encoding="utf-8")
    os.replace(whole, path)


def _line(row: Any) -> str:
    """A row as it is written."""
    cells = []
    for field in dataclasses.fields(row):
        value = getattr(row, field.name)
        cells.append("" if value is None else format(value, field.metadata.get("format", "")))
    return "\t".join(cells) + "\n"


def _parse(text: str, kind: Any) -> object:
    """A cell; an empty one is None where that is allowed."""
    choices = get_args(kind) or (kind,)
    if not text and type(None) in choices:
        return None
    return choices[0](text)
