"""The named ways to make an update: techniques.toml, read strictly.

This module imports no network code, so that a command line can list the names.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

TABLE = Path(__file__).with_name("techniques.toml")
NONE = "none"
"""The name that stands for no update."""
DEFAULT = "subspace"
PARAMETERS = ("subspace", "trellis", "kernels", "low_rank", "scales", "cosine")
CLOSED_FORM = PARAMETERS[:4]
"""What has a search without gradients ..."""
GRADIENT = PARAMETERS[2:3] + PARAMETERS[4:]
"""... and with them."""
LOSSES = ("rate", "ratio", "spike-slab", "entropy")
CHANGES = ("all", "biases")


@dataclass(frozen=True)
class Technique:
    """One way to make an update.

    Attributes:
        name: what a user calls it.
        title: what a table calls it.
        parameters: what is coded.
        loss: the penalty of a search by gradient descent; None for a search in closed form.
        changes: which parameters a search by gradient descent may change.

    Raises:
        ValueError: a value is unknown, or the values do not go together.
    """

    name: str
    title: str
    parameters: str
    loss: str | None = None
    changes: str = "all"

    def __post_init__(self) -> None:
        searched = CLOSED_FORM if self.loss is None else GRADIENT
        if self.parameters not in searched:
            raise ValueError(f"{self.name}: no such search of parameters {self.parameters!r}")
        if self.loss not in (None, *LOSSES):
            raise ValueError(f"{self.name}: unknown loss {self.loss!r}")
        if self.changes not in CHANGES or (self.loss is None and self.changes != "all"):
            raise ValueError(f"{self.name}: can't change {self.changes!r}")


def parse(text: str) -> dict[str, Technique]:
    """The techniques of a TOML document, by name.

    Raises:
        ValueError: it is not TOML, a key is unknown or missing, or see `Technique`.
    """
    known = {field.name for field in fields(Technique)} - {"name"}
    techniques = {}
    for name, entries in tomllib.loads(text).items():
        if not isinstance(entries, dict) or name == NONE:
            raise ValueError(f"{name} is not a table of a technique")
        if unknown := entries.keys() - known:
            raise ValueError(f"{name}: unknown key {min(unknown)!r}")
        if missing := {"title", "parameters"} - entries.keys():
            raise ValueError(f"{name}: {min(missing)!r} is missing")
        techniques[name] = Technique(name, **entries)
    return techniques


@lru_cache(maxsize=1)
def techniques() -> dict[str, Technique]:
    """All techniques by name, in the order of techniques.toml."""
    return parse(TABLE.read_text(encoding="utf-8"))


def names() -> tuple[str, ...]:
    """All names that `EncodeOptions.update` may have: those of the techniques, and NONE."""
    return (*techniques(), NONE)
