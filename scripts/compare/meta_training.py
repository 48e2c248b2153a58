"""Compares ways of training a post-filter to be adapted, after the same processor time.

    python -m scripts compare.meta_training --content learned --data DIR --validation DIR \
        --minutes 3 --out results/0.1.0/meta-training.tsv

Each starts from the released filter.  The columns are those that `scripts/train/meta.py` logs: the
cost of the errors without an update, and what the update of the last layer saves of it, both in
mean percent of the content's bits of the validation pictures; `cost` is their difference.
"""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from codec.contract.contents import CONTENTS
from codec.models.kinds import FilteredModel
from codec.models.released import load_default
from codec.research.arguments import experiment_parser
from codec.research.tables import column
from scripts.measure.experiment import DOCS, Experiment, markdown
from scripts.train.data import load_folder
from scripts.train.meta import Trainer, evaluate
from scripts.train.meta_losses import INNER, CodedPicture, Prior, code_pictures

PICTURES = 150


@dataclass(frozen=True)
class Row:
    """A way of training, and what it reached."""

    training: str
    steps: int
    without_update: float = column(".3f")
    saving: float = column(".3f")
    cost: float = column(".3f")


def measure(
    inner: str,
    model: FilteredModel,
    pictures: list[CodedPicture],
    held_out: list[CodedPicture],
    seconds: float,
) -> Row:
    """Trains for so much processor time."""
    postfilter = copy.deepcopy(model.search().postfilter).requires_grad_(True)
    trainer = Trainer(postfilter, pictures, Prior(model.subspace, model.tables), inner)
    begin, spent = time.process_time(), 0.0
    while inner in INNER and spent < seconds:
        trainer.step(spent / seconds)
        spent = time.process_time() - begin
    trainer.relearn()
    cost, saving = evaluate(postfilter, trainer.prior, held_out)
    return Row(inner, trainer.steps, cost, saving, cost - saving)


def meta_table(rows: list[Row]) -> str:
    """Ways of training the filter, after the same time."""
    cells = []
    for row in rows:
        shares = (f"{share:.2f} %" for share in (row.without_update, row.saving, row.cost))
        cells.append([row.training, str(row.steps), *shares])
    heads = ["training", "steps", "errors without update", "update saves", "left"]
    return markdown(heads, cells)


EXPERIMENT = Experiment(
    Row,
    "meta-training.tsv",
    DOCS / "weight-update.md",
    lambda rows: {"meta-training": meta_table(rows)},
)


def main() -> None:
    parser = experiment_parser(__doc__, images=False)
    parser.add_argument("--content", choices=CONTENTS, default="learned")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--validation", type=Path, required=True, metavar="DIR")
    parser.add_argument("--minutes", type=float, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = load_default(args.content)
    found = load_folder(args.data)
    pictures = code_pictures(model, found[:: max(1, len(found) // PICTURES)], seed=1)
    held_out = code_pictures(model, load_folder(args.validation), seed=2)
    rows = EXPERIMENT.open(args.out)
    for inner in ("none", *INNER):
        if rows.lack(training=inner):
            rows.add([measure(inner, model, pictures, held_out, 60 * args.minutes)])
    rows.fill()


if __name__ == "__main__":
    main()
