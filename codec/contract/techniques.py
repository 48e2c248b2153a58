"""The named ways to make an update: techniques.toml, read strictly, and those of other packages.

A package adds one by an entry point of the group `nncodec.techniques`: its name is that of the
technique, and what it names is a function from `codec.encoding.updates.search.SearchTask` to the
bytes of an UPDATE payload, empty if none pays.  Any decoder reads what comes of it.

This module imports no network code, so that a command line can list the names.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

TABLE = Path(__file__).with_name("techniques.toml")
NONE = "none"
"""The name that stands for no update."""
DEFAULT = "subspace"
GROUP = "nncodec.techniques"
"""The group of entry points."""
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
        plugin: the search of another package, loaded when it is first used; it may code and change
            whatever a payload can.

    Raises:
        ValueError: a value is unknown, or the values do not go together.
    """

    name: str
    title: str
    parameters: str
    loss: str | None = None
    changes: str = "all"
    plugin: EntryPoint | None = None

    @property
    def changes_last_layer_alone(self) -> bool:
        """Whether all layers before the last one are sure to stay as they are."""
        return self.plugin is None and self.loss is None

    def __post_init__(self) -> None:
        if self.plugin is not None:
            return
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
    known = {field.name for field in fields(Technique)} - {"name", "plugin"}
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
    """All techniques by name: those of techniques.toml in its order, then other packages'."""
    own = parse(TABLE.read_text(encoding="utf-8"))
    others = {
        found.name: Technique(found.name, found.name, "", plugin=found)
        for found in sorted(entry_points(group=GROUP), key=lambda found: found.name)
        if found.name not in own and found.name != NONE
    }
    return own | others


def names() -> tuple[str, ...]:
    """All names that `EncodeOptions.update` may have: those of the techniques, and NONE."""
    return (*techniques(), NONE)
