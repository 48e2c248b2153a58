"""Kills an encode of a folder again and again, damages its outputs, and has it resumed.

    python -m scripts conform.resume --count 1000 --out results/0.1.0/resume.tsv

draws pictures of 64x64, encodes them at effort 0 in a folder of its own, ends the program and its
workers by SIGKILL when so many parts of the outputs are there, and looks at all files after each
kill; then it resumes to the end, damages some outputs, edits some inputs, asks for another quality
and for another effort.  The exit status is 1 if anything is not as it should be.

Each row is one run of the program; the table of docs/robustness.md is made of them.
"""

from __future__ import annotations

import argparse
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

import codec
from bitstream import FormatError
from codec.research.tables import append_row
from scripts.measure.experiment import DOCS, Experiment, markdown

SIDE_PX = 64
KILLS = (0.1, 0.3, 0.55, 0.8)
"""Parts of the outputs that are there when the program is ended."""
PART = 0.02
"""Of the outputs that suffer each kind of damage, and of the pictures for other settings."""
OPTIONS = ("--resume", "-e", "0")
POLL_S = 0.02


@dataclass(frozen=True)
class RunRow:
    """One run.

    Attributes:
        run: what happened before it, or ends it.
        encoded: pictures that it says it has made.
        skipped: pictures that it says were done already.
        failed: pictures that it names as failures.
        outputs: files with the suffix of outputs, afterwards.
        broken: those of them that cannot be decoded.
        others: other files that it has left behind.
    """

    run: str
    encoded: int
    skipped: int
    failed: int
    outputs: int
    broken: int
    others: int


@dataclass(frozen=True)
class Folder:
    """Pictures, and where their files go."""

    root: Path
    count: int

    @property
    def inputs(self) -> list[Path]:
        return [self.root / "in" / f"{number:04}.png" for number in range(self.count)]

    @property
    def outputs(self) -> list[Path]:
        return sorted((self.root / "out").glob("*.nni"))

    def draw(self, path: Path, seed: int) -> None:
        """Makes a picture: soft colours, others for each seed."""
        path.parent.mkdir(exist_ok=True)
        coarse = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), np.uint8)
        size = (SIDE_PX, SIDE_PX)
        Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path)

    def start(self, options: Sequence[str], inputs: Sequence[Path]) -> subprocess.Popen[bytes]:
        """Runs the program on pictures, in a group of processes that can be ended as one.

        What it says goes to a file: a pipe that nobody reads would hold it up.
        """
        command = [sys.executable, "-m", "codec", "encode", *options, *map(str, inputs)]
        command += ["--output-dir", str(self.root / "out")]
        with self.said.open("wb") as said:
            return subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True
            )

    @property
    def said(self) -> Path:
        """What the last run said on standard error."""
        return self.root / "said"

    def seen(self, run: str) -> RunRow:
        """What is there after a run."""
        said = self.said.read_text(encoding="utf-8", errors="replace")
        broken = sum(not is_whole(path) for path in self.outputs)
        others = len(list((self.root / "out").iterdir())) - len(self.outputs)
        counts = (number_of(said, word) for word in ("encoded", "skipped", "failed"))
        return RunRow(run, *counts, len(self.outputs), broken, others)


def number_of(said: str, word: str) -> int:
    """The number before a word in the last line, "3 encoded, 7 skipped"."""
    words = (said.splitlines() or [""])[-1].replace(",", "").split()
    return next((int(a) for a, b in itertools.pairwise(words) if b == word), 0)


def is_whole(path: Path) -> bool:
    """Whether a file decodes to a picture of the right size."""
    try:
        return codec.decode(path).shape == (SIDE_PX, SIDE_PX, 3)
    except FormatError:
        return False


def killed(folder: Folder, part: float) -> RunRow:
    """Ends the program and its workers when a part of all outputs is there."""
    process = folder.start(OPTIONS, folder.inputs)
    while len(folder.outputs) < part * folder.count and process.poll() is None:
        time.sleep(POLL_S)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return folder.seen(f"killed at {100 * part:g} % of the outputs")


def finished(folder: Folder, run: str, *options: str, inputs: Sequence[Path] = ()) -> RunRow:
    """Lets the program come to its end."""
    folder.start([*OPTIONS, *options], inputs or folder.inputs).wait()
    return folder.seen(run)


def damage(folder: Folder) -> int:
    """Empties some outputs, cuts some, changes bytes of some, and edits the inputs of some."""
    many = max(1, round(PART * folder.count))
    empty, cut, changed, edited = (range(many * n, many * (n + 1)) for n in range(4))
    for numbers, edit in (
        (empty, lambda data: b""),
        (cut, lambda data: data[: len(data) // 2]),
        (changed, lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]),
    ):
        for number in numbers:
            path = folder.outputs[number]
            path.write_bytes(edit(path.read_bytes()))
    for number in edited:
        folder.draw(folder.inputs[number], seed=folder.count + number)
    return 4 * many


def trial(folder: Folder) -> list[RunRow]:
    """All runs, one after the other.

    Raises:
        AssertionError: a run is not as it should be.
    """
    count = folder.count
    for number, path in enumerate(folder.inputs):
        folder.draw(path, number)
    rows = [killed(folder, part) for part in KILLS]
    assert not any(row.broken for row in rows), rows
    rows.append(finished(folder, "resumed to the end"))
    rows.append(finished(folder, "resumed once more"))
    assert rows[-1].skipped == count, rows[-1]
    bad = damage(folder)
    rows.append(finished(folder, f"{bad} outputs emptied, cut, changed or out of date"))
    assert (rows[-1].encoded, rows[-1].skipped) == (bad, count - bad), rows[-1]
    some = folder.inputs[: max(2, bad // 4)]  # of one picture it says other things
    for run, options in (("another quality", ("-q", "20")), ("another effort", ("-e", "1"))):
        row = finished(folder, f"{run} for {len(some)} of them", *options, inputs=some)
        assert row.encoded == len(some), row
        rows.append(row)
    assert all((row.outputs, row.broken, row.others) == (count, 0, 0) for row in rows[4:]), rows
    return rows


def tables(rows: list[RunRow]) -> Mapping[str, str]:
    """One line per run."""
    heads = ("run", "encoded", "skipped", "failed", "outputs there", "broken", "other files left")
    lines = [[str(value) for value in vars(row).values()] for row in rows]
    return {"resume": markdown(heads, lines)}


EXPERIMENT = Experiment(RunRow, "resume.tsv", DOCS / "robustness.md", tables)


def main() -> int:
    """Returns the exit status: 1 if a run is not as it should be."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=1000, metavar="N")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.tsv")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        try:
            rows = trial(Folder(Path(root), args.count))
        except AssertionError as error:
            print(error, file=sys.stderr)
            return 1
    args.out.unlink(missing_ok=True)
    for row in rows:
        append_row(args.out, row)
        print(*vars(row).values())
    return 0


if __name__ == "__main__":
    sys.exit(main())
