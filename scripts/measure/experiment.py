"""The frame of every experiment: rows that are measured once, and the table that they make.

An experiment is a file with a dataclass of its rows, functions that measure them, and the table of
a document that is made of them.  A case whose rows are there is not measured again, so a command
that was stopped carries on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from codec.research.tables import TableError, append_row, read_rows

R = TypeVar("R")
DOCS = Path("docs")


def markdown(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def fill(text: str, name: str, table: str) -> str:
    """Text with the table of that name replaced; raises TableError where it has no place for it."""
    pattern = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise TableError(f"there is no place for the table {name}")
    return pattern.sub(lambda found: f"{found[1]}{table}\n{found[2]}", text)


def fill_document(document: Path, tables: Mapping[str, str]) -> None:
    """Replaces what stands between `<!-- begin NAME -->` and `<!-- end NAME -->`."""
    text = document.read_text(encoding="utf-8")
    for name, table in tables.items():
        text = fill(text, name, table)
    document.write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Experiment(Generic[R]):
    """What is measured, and where it is told.

    Attributes:
        row: dataclass of a row.
        file: its table below results/VERSION.
        document: what its rows are told in; None if they are not.
        tables: Markdown by the names of tables in the document.
    """

    row: type[R]
    file: str
    document: Path | None = None
    tables: Callable[[list[R]], Mapping[str, str]] = field(default=lambda rows: {})

    def open(self, path: Path) -> Rows[R]:
        """The rows that were measured already; none if there is no file."""
        return Rows(self, path, read_rows(path, self.row) if path.exists() else [])

    def fill(self, rows: list[R]) -> None:
        """Writes the tables into the document."""
        if self.document:
            fill_document(self.document, self.tables(rows))


@dataclass
class Rows(Generic[R]):
    """The rows of an experiment, in a file as soon as they are measured."""

    experiment: Experiment[R]
    path: Path
    rows: list[R]

    def lack(self, **case: object) -> bool:
        """Whether no row has these values."""
        return not any(
            all(getattr(row, name) == value for name, value in case.items()) for row in self.rows
        )

    def add(self, measured: Iterable[R]) -> None:
        """Measures the rows of a case, then writes and prints all of them."""
        for row in list(measured):
            append_row(self.path, row)
            self.rows.append(row)
            print(*vars(row).values(), flush=True)

    def fill(self) -> None:
        """Writes the tables of the document."""
        self.experiment.fill(self.rows)
