"""Joins the logs of trainings that follow each other, and draws loss over hours.

    python -m scripts train.plot runs/photo --out results/0.1.0

Each run began with the weights that the one before it ended with.  Writes `training.tsv`, a row per
validation with the hours and steps of all runs until then, and `training.png`.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from codec.research.tables import append_row, column
from scripts.train.run import read_log


@dataclass(frozen=True)
class Moment:
    """What a validation found, of the averaged weights.

    Attributes:
        run: the name of its folder.
        steps: since the first run began.
        hours: by the clock, spent in steps since then.
        loss: weighted, over the validation pictures.
        points: bits per pixel @ dB at each of the validation's qualities.
    """

    run: str
    steps: int
    hours: float = column(".3f")
    loss: float = column(".4f")
    points: str


def joined(runs: list[Path]) -> list[Moment]:
    """The moments of all runs, in order."""
    moments: list[Moment] = []
    steps, seconds = 0, 0.0
    for run in runs:
        for step, second, _, loss, points in read_log(run):
            hours = (seconds + float(second)) / 3600
            moments.append(Moment(run.name, steps + int(step), hours, float(loss), points))
        steps, seconds = steps + int(step), seconds + float(second)
    return moments


def draw(moments: list[Moment]) -> Figure:
    """A line per run; the untrained start, far above all else, is left out."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    for name in dict.fromkeys(moment.run for moment in moments):
        shown = [moment for moment in moments[1:] if moment.run == name]
        axes.plot([m.hours for m in shown], [m.loss for m in shown], marker=".", label=name)
    axes.set_xlabel("hours")
    axes.set_ylabel("validation loss")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    args = parser.parse_args()
    moments = joined(args.runs)
    table = args.out / "training.tsv"
    table.unlink(missing_ok=True)
    for moment in moments:
        append_row(table, moment)
    draw(moments).savefig(args.out / "training.png", dpi=120)


if __name__ == "__main__":
    main()
