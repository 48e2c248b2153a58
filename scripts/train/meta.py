"""Trains the post-filter of a run so that a picture's own update gains most.

    python -m scripts train.meta --content learned --run runs/base --out runs/base-meta \
        --data DIR --validation DIR --minutes 20

The content is that of the content's released model; the filter starts from the best weights of
--run, and --out gets a copy of that run with the filter trained.  Every step solves for the
update that the encoder would send for each picture of a batch, and takes the gradient of what is
left (`meta_learning.exact`).  The space of updates follows the features: it is learned again from
the latest pictures.  The learning rate decays to zero over the minutes of processor time.

`meta.tsv`: steps, seconds, mean training loss, and of the validation pictures the mean cost without
update and the saving by it, both in percent of the content's bits.
"""

from __future__ import annotations

import argparse
import math
import shutil
import time
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from codec.contract.contents import CONTENTS
from codec.encoding.updates.fit import FitTask, fit
from codec.encoding.updates.normal import NormalEquations
from codec.models import released
from codec.networks.config import FilterConfig, ModelConfig
from codec.networks.postfilter import PostFilter
from scripts.train.data import load_folder
from scripts.train.meta_losses import INNER, CodedPicture, Prior, code_pictures
from scripts.train.subspaces import learn

LEARNING_RATE = 3e-4
BATCH = 3
WARMUP_STEPS = 20
CLIP_NORM = 1.0
POOL = 120
"""Pictures that the space of updates is learned from ..."""
RELEARN_STEPS = 60
"""... and how often that is done."""


@dataclass
class Trainer:
    """A filter and the space of its updates, over training pictures."""

    postfilter: PostFilter
    pictures: list[CodedPicture]
    prior: Prior
    inner: str

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(0)
        self.optimizer = torch.optim.Adam(self.postfilter.parameters(), lr=LEARNING_RATE)
        self.order: list[int] = []
        self.recent: deque[int] = deque(range(min(POOL, len(self.pictures))), POOL)
        self.steps = 0

    def step(self, progress: float) -> float:
        """One update of the filter; returns the mean loss."""
        warm = min(1.0, (self.steps + 1) / WARMUP_STEPS)
        for group in self.optimizer.param_groups:
            group["lr"] = LEARNING_RATE * warm * 0.5 * (1 + math.cos(math.pi * progress))
        if self.inner != "plain" and self.steps % RELEARN_STEPS == 0:
            self.relearn()
        self.optimizer.zero_grad(set_to_none=True)
        losses = []
        for _ in range(BATCH):
            self.order = self.order or self.rng.permutation(len(self.pictures)).tolist()
            index = self.order.pop()
            self.recent.append(index)
            picture = self.pictures[index]
            # The logarithm: pictures count by their relative cost.
            loss = INNER[self.inner](self.postfilter, picture, self.prior).log()
            (loss / BATCH).backward()
            losses.append(loss.item())
        nn.utils.clip_grad_norm_(self.postfilter.parameters(), CLIP_NORM)
        self.optimizer.step()
        self.steps += 1
        return sum(losses) / BATCH

    def relearn(self) -> None:
        """The space of updates for the features as they are now."""
        self.prior = replace(self.prior, subspace=learn(self.equations()))

    def equations(self) -> list[NormalEquations]:
        return [self.pictures[index].normal(self.postfilter) for index in sorted(set(self.recent))]


def evaluate(postfilter: PostFilter, prior: Prior, held_out: list[CodedPicture]) -> list[float]:
    """Cost of the errors without update, and saving, in mean percent of the content's bits."""
    shares = []
    for picture in held_out:
        normal = picture.normal(postfilter)
        task = FitTask(normal, prior.subspace, prior.tables, picture.slope)
        fitted = fit(task, thorough=False)
        saving = fitted.saving if fitted else 0.0
        shares.append([100 * v / picture.bits for v in (picture.slope * normal.energy, saving)])
    return np.mean(shares, 0).tolist()


def load_filter(run: Path, config: FilterConfig) -> tuple[PostFilter, released.Tensors, str]:
    """The filter of a run, the run's whole state, and the prefix of the filter's names in it."""
    state = torch.load(run / "best.pt", map_location="cpu", weights_only=True)
    prefix = "postfilter." if "postfilter.leave.weight" in state else ""
    postfilter = PostFilter(config)
    names = postfilter.state_dict()
    postfilter.load_state_dict({name: state[prefix + name] for name in names})
    return postfilter, state, prefix


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--content", choices=CONTENTS, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--validation", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--minutes", type=float, required=True)
    args = parser.parse_args()
    torch.manual_seed(0)
    model = released.load_default(args.content)
    config = model.config.filter if isinstance(model.config, ModelConfig) else model.config
    postfilter, state, prefix = load_filter(args.run, config)
    found = load_folder(args.data)
    chosen = found[:: max(1, len(found) // args.pictures)]
    pictures = code_pictures(model, chosen, seed=1)
    held_out = code_pictures(model, load_folder(args.validation), seed=2)
    trainer = Trainer(postfilter, pictures, Prior(model.subspace, model.tables), "exact")
    args.out.mkdir(parents=True)

    def record(seconds: float, loss: float) -> None:
        trainer.relearn()
        cost, saving = evaluate(postfilter, trainer.prior, held_out)
        line = f"{trainer.steps}\t{seconds:.0f}\t{loss:.4f}\t{cost:.3f}\t{saving:.3f}"
        with (args.out / "meta.tsv").open("a") as log:
            log.write(line + "\n")
        print(line, flush=True)

    record(0.0, math.nan)
    begin, spent, mean = time.process_time(), 0.0, math.nan
    while spent < 60 * args.minutes:
        loss = trainer.step(spent / (60 * args.minutes))
        mean = loss if math.isnan(mean) else 0.98 * mean + 0.02 * loss
        spent = time.process_time() - begin
    record(spent, mean)
    trained = {prefix + name: value for name, value in postfilter.state_dict().items()}
    torch.save(state | trained, args.out / "best.pt")
    shutil.copy(args.run / "log.tsv", args.out)


if __name__ == "__main__":
    main()
