"""Fills the tables of all documents from the rows of results/, and of what the models cost.

    python -m scripts report results/0.1.0

Nothing in those tables is typed by hand.  A table whose rows are not there stays as it is.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from scripts.compare import (
    annealing,
    arithmetic,
    compressible,
    lossless_stages,
    meta_training,
    prior_updates,
    quality,
    update_coders,
    updates,
    weight_coders,
)
from scripts.conform import costs, resume, tally
from scripts.measure import (
    complexity,
    decode,
    deep_lossless,
    documents,
    effort,
    install,
    lossless,
    memory,
    shared,
)
from scripts.measure.experiment import DOCS, fill_document

EXPERIMENTS = (
    *decode.EXPERIMENTS,
    *effort.EXPERIMENTS,
    *lossless.EXPERIMENTS,
    deep_lossless.EXPERIMENT,
    annealing.EXPERIMENT,
    arithmetic.EXPERIMENT,
    compressible.EXPERIMENT,
    costs.EXPERIMENT,
    install.EXPERIMENT,
    lossless_stages.EXPERIMENT,
    memory.EXPERIMENT,
    meta_training.EXPERIMENT,
    prior_updates.EXPERIMENT,
    quality.EXPERIMENT,
    resume.EXPERIMENT,
    shared.EXPERIMENT,
    tally.EXPERIMENT,
    update_coders.EXPERIMENT,
    updates.EXPERIMENT,
    weight_coders.EXPERIMENT,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="RESULTS")
    folder = parser.parse_args().folder
    for experiment in EXPERIMENTS:
        if (folder / experiment.file).exists():
            experiment.open(folder / experiment.file).fill()
    fill_document(DOCS / "architecture.md", {"architecture-parts": complexity.parts_table()})
    documents.fill_documents(folder)


if __name__ == "__main__":
    main()
