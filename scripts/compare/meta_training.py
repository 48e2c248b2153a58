"""Compares ways of training a post-filter to be adapted, after the same processor time.

    python -m scripts compare.meta_training --content learned --data DIR --validation DIR \
        --minutes 3 --out results/0.1.0/meta-training.tsv

Each starts from the released filter.  The columns are those that `scripts/train/meta.py` logs: the
cost of the errors without an update, and what the update of the last layer saves of it, both in
mean percent of the content's bits of the validation pictures; `cost` is their difference.
"""

from __future__ import annotations

import argparse
import copy
import time
from pathlib import Path

import torch

from codec.contract.modes import CONTENTS
from codec.models.released import load_default
from scripts.train.data import load_folder
from scripts.train.meta import Trainer, evaluate
from scripts.train.meta_losses import INNER, Prior, code_pictures

PICTURES = 150
COLUMNS = ("training", "steps", "without_update", "saving", "cost")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--content", choices=CONTENTS, default="learned")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--validation", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--out", type=Path, required=True, metavar="TSV")
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = load_default(args.content)
    released = model.search().postfilter
    found = load_folder(args.data)
    pictures = code_pictures(model, found[:: max(1, len(found) // PICTURES)], seed=1)
    held_out = code_pictures(model, load_folder(args.validation), seed=2)
    lines = ["\t".join(COLUMNS)]
    for inner in ("none", *INNER):
        postfilter = copy.deepcopy(released).requires_grad_(True)
        trainer = Trainer(postfilter, pictures, Prior(model.subspace, model.tables), inner)
        begin, spent = time.process_time(), 0.0
        while inner in INNER and spent < 60 * args.minutes:
            trainer.step(spent / (60 * args.minutes))
            spent = time.process_time() - begin
        trainer.relearn()
        cost, saving = evaluate(postfilter, trainer.prior, held_out)
        values = inner, trainer.steps, f"{cost:.3f}", f"{saving:.3f}", f"{cost - saving:.3f}"
        lines.append("\t".join(map(str, values)))
        print(lines[-1], flush=True)
        args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
