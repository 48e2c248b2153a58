"""What the training scripts share: a run that resumes where it was stopped and ends on time.

A run's folder holds `checkpoint.pt` (resume), `best.pt` (the averaged weights that were best on
validation) and `log.tsv`: step, seconds, loss, and what validation found.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
import tomllib
from abc import ABC, abstractmethod
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import numpy as np
import torch
from torch import Tensor, nn

from scripts.train.muon import KernelMuon

Config = TypeVar("Config")
Validation = tuple[float, str]
"""A score, the lower the better, and the columns of the log that tell of it."""


class Training(ABC):
    """Networks, their running average, optimiser, and everything that a resumed run needs.

    Attributes:
        progress: fraction of the budget that has been spent.
    """

    COUNTERS: tuple[str, ...] = ("step", "skipped", "seconds", "best")
    STATES = ("model", "average", "optimizer")

    def __init__(
        self,
        folder: Path,
        model: nn.Module,
        optimizer: torch.optim.Optimizer | KernelMuon,
        *,
        seed: int,
        clip_norm: float,
        ema_decay: float,
    ) -> None:
        self.folder, self.model, self.optimizer = folder, model, optimizer
        self.clip_norm, self.ema_decay = clip_norm, ema_decay
        self.average = copy.deepcopy(model).requires_grad_(False)
        self.rng = np.random.default_rng(seed)
        self.step, self.skipped, self.seconds, self.best = 0, 0, 0.0, math.inf
        self.progress = 0.0

    @abstractmethod
    def train_step(self, data: Any) -> float:
        """One update, see `descend`."""

    @abstractmethod
    def validate(self, held_out: Any) -> Validation:
        """Of the average model."""

    def resume(self) -> bool:
        """Goes on from the last checkpoint; False if there is none."""
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return False
        device = next(self.model.parameters()).device
        state = torch.load(path, map_location=device, weights_only=False)
        for name in self.STATES:
            getattr(self, name).load_state_dict(state[name])
        self.rng.bit_generator.state = state["rng"]
        torch.set_rng_state(state["torch_rng"].cpu())
        for name in self.COUNTERS:
            setattr(self, name, state[name])
        return True

    def save(self) -> None:
        """Writes the checkpoint."""
        state = {name: getattr(self, name) for name in self.COUNTERS}
        state |= {name: getattr(self, name).state_dict() for name in self.STATES}
        state |= {"rng": self.rng.bit_generator.state, "torch_rng": torch.get_rng_state()}
        partial = self.folder / "checkpoint.partial"
        torch.save(state, partial)
        partial.replace(self.folder / "checkpoint.pt")

    def set_learning_rate(self, rate: float) -> None:
        """For all parameters; those of a group with a `share` get that part of it."""
        for group in self.optimizer.param_groups:
            group["lr"] = group.get("share", 1.0) * rate

    def warm_cosine(self, warmup_steps: int) -> float:
        """A learning rate's factor: linear over the first steps, cosine to zero over the budget."""
        warm = min(1.0, (self.step + 1) / warmup_steps)
        return warm * 0.5 * (1 + math.cos(math.pi * min(self.progress, 1.0)))

    def descend(self, loss: Tensor) -> float:
        """One update; returns the loss.  A non-finite step is skipped and counted."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_norm)
        if torch.isfinite(norm):
            self.optimizer.step()
            self._follow()
        else:
            self.skipped += 1
        self.step += 1
        return loss.item()

    @torch.no_grad()
    def _follow(self) -> None:
        """Moves the average towards the model; quickly at first."""
        decay = min(self.ema_decay, (1 + self.step) / (10 + self.step))
        for mean, value in zip(self.average.parameters(), self.model.parameters(), strict=True):
            mean.lerp_(value, 1 - decay)

    def train(
        self,
        minutes: float,
        every: float,
        data: Any,
        held_out: Any,
        until: float = math.inf,
    ) -> None:
        """Trains until so many minutes have gone into steps, those of earlier calls included.

        Args:
            minutes: of all calls with the same folder.
            every: minutes between validations.
            data: what a step takes.
            held_out: what validation takes.
            until: ends it early, in seconds since the epoch.
        """
        budget, mean, due = minutes * 60, math.nan, self.seconds
        while self.seconds < budget and time.time() < until:
            if self.seconds >= due:
                self._record(mean, self.validate(held_out))
                due += every * 60
            begin = time.monotonic()
            self.progress = self.seconds / budget
            loss = self.train_step(data)
            mean = loss if math.isnan(mean) else 0.98 * mean + 0.02 * loss
            self.seconds += time.monotonic() - begin
        self._record(mean, self.validate(held_out))
        print(f"{self.step} steps, {self.skipped} skipped")

    def _record(self, loss: float, validation: Validation) -> None:
        score, columns = validation
        line = f"{self.step}\t{self.seconds:.0f}\t{loss:.4f}\t{columns}"
        with (self.folder / "log.tsv").open("a") as log:
            log.write(line + "\n")
        print(line, flush=True)
        if score < self.best:
            self.best = score
            torch.save(self.average.state_dict(), self.folder / "best.pt")
        self.save()


def load_config(cls: type[Config], path: Path) -> Config:
    """A TOML file as a dataclass, its tables as the dataclasses of their fields, lists as tuples.

    Unknown or missing keys end the program.
    """
    try:
        return _made(cls, tomllib.loads(path.read_text(encoding="utf-8")))
    except TypeError as error:
        raise SystemExit(f"{path}: {error}") from error


def _made(kind: Any, value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_made(None, part) for part in value)
    if not is_dataclass(kind):
        return value
    kinds = get_type_hints(kind)
    return kind(**{name: _made(kinds.get(name), part) for name, part in value.items()})


def run_parser(description: str, config: str, every: float) -> argparse.ArgumentParser:
    """Options that all training scripts have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--config", type=Path, default=Path(config))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--validation", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--validate-every", type=float, default=every, metavar="MINUTES")
    return parser


def read_log(run: Path) -> list[list[str]]:
    """The rows of a training run's log: step, seconds, loss, and what validation found."""
    return [line.split("\t") for line in (run / "log.tsv").read_text().splitlines()]
