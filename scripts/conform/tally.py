"""What came of the inputs of `scripts/conform/fuzz.py`: the tables of runs and documents."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from codec.research.tables import append_row, column, read_rows
from scripts.measure.experiment import DOCS, Experiment, markdown

DECODED = "decoded"
FAILURES = ("crash", "hang", "costly")
BYTES_PER_KB = 1000


@dataclass(frozen=True)
class Outcome:
    """What came of one input; `detail` describes a failure."""

    number: int
    target: str
    kind: str
    seconds: float
    added_mb: float
    size: int
    detail: str = ""


@dataclass(frozen=True)
class OutcomeRow:
    """All inputs of a target that came to the same.

    Attributes:
        target: a name of `scripts.conform.feeds`.
        outcome: "decoded", the class of the error that refuses them, or one of `FAILURES`.
        inputs: how many.
        slowest_s: of processor time, that one took at most.
        most_mb: of memory, that one added at most to what the process has.
        s_per_kb: at most, for each kilobyte of an input.
        mb_per_kb: likewise.
    """

    target: str
    outcome: str
    inputs: int
    slowest_s: float = column(".2f")
    most_mb: float = column(".0f")
    s_per_kb: float = column(".2f")
    mb_per_kb: float = column(".0f")

    @classmethod
    def of(cls, found: Outcome) -> OutcomeRow:
        """One input."""
        kilobytes = max(found.size, 1) / BYTES_PER_KB
        per_kb = found.seconds / kilobytes, found.added_mb / kilobytes
        return cls(found.target, found.kind, 1, found.seconds, found.added_mb, *per_kb)

    def with_all_of(self, other: OutcomeRow) -> OutcomeRow:
        """Both together."""
        return OutcomeRow(
            self.target,
            self.outcome,
            self.inputs + other.inputs,
            max(self.slowest_s, other.slowest_s),
            max(self.most_mb, other.most_mb),
            max(self.s_per_kb, other.s_per_kb),
            max(self.mb_per_kb, other.mb_per_kb),
        )


@dataclass
class Tally:
    """The rows of a run by target and outcome."""

    rows: dict[tuple[str, str], OutcomeRow] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Tally:
        """That of a table; an empty one if there is none."""
        rows = read_rows(path, OutcomeRow) if path.exists() else []
        return cls({(row.target, row.outcome): row for row in rows})

    def write(self, path: Path) -> None:
        """Replaces the table, which is whole at any time."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        for _, row in sorted(self.rows.items()):
            append_row(partial, row)
        os.replace(partial, path)

    def add(self, outcomes: Iterable[Outcome]) -> None:
        for row in map(OutcomeRow.of, outcomes):
            key = row.target, row.outcome
            self.rows[key] = self.rows[key].with_all_of(row) if key in self.rows else row

    def done(self, target: str) -> int:
        """How many inputs a target had."""
        return sum(row.inputs for row in self.rows.values() if row.target == target)

    @property
    def failures(self) -> int:
        return sum(row.inputs for row in self.rows.values() if row.outcome in FAILURES)


def tables(rows: list[OutcomeRow]) -> Mapping[str, str]:
    """One line per target, and one for all."""
    names = sorted({row.target for row in rows})
    lines = [_line(name, [row for row in rows if row.target == name]) for name in names]
    heads = ("target", "inputs", "decoded", "refused", "failures", "slowest, s", "most, MB")
    return {"fuzz": markdown(heads, [*lines, _line("all", rows)])}


def _line(name: str, rows: list[OutcomeRow]) -> list[str]:
    inputs = sum(row.inputs for row in rows)
    decoded = sum(row.inputs for row in rows if row.outcome == DECODED)
    failures = sum(row.inputs for row in rows if row.outcome in FAILURES)
    counts = (inputs, decoded, inputs - decoded - failures, failures)
    slowest = max(row.slowest_s for row in rows)
    most = max(row.most_mb for row in rows)
    return [name, *(f"{count:,}" for count in counts), f"{slowest:.2f}", f"{most:.0f}"]


EXPERIMENT = Experiment(OutcomeRow, "fuzz.tsv", DOCS / "hostile-input.md", tables)
