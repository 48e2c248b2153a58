"""Effort levels 0 to 9: how long the encoder searches.

The levels are the rows of effort.toml.  A new kind of search is a new field of `Effort` and a key
in every row; anything else in the table is an error.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, get_type_hints

TABLE = Path(__file__).with_name("effort.toml")


@dataclass(frozen=True)
class Effort:
    """One level.

    Attributes:
        update: whether the post-filter is adapted.
        thorough: whether that tries several quantiser steps and spreads, and a trellis.
        rounds: how often the latents are searched for the filter and the filter fitted again.
        latent_steps: gradient steps of that search, in each round.
        adds: what the level does beyond the one below, for people.
    """

    update: bool
    thorough: bool = False
    rounds: int = 0
    latent_steps: int = 0
    adds: str = ""


def effort_at(level: int) -> Effort:
    """Effort of a level 0..9."""
    return efforts()[level]


@lru_cache(maxsize=1)
def efforts() -> tuple[Effort, ...]:
    """All levels, from 0 on."""
    return parse(TABLE.read_text(encoding="utf-8"))


def parse(text: str) -> tuple[Effort, ...]:
    """The text of a table -> its levels.

    Raises:
        ValueError: it is not TOML, or has a key too many, too few or of another type, a negative
            count, or levels that do not count up from 0.
    """
    table = tomllib.loads(text)
    if table.keys() != {"effort"}:
        raise ValueError(f"expected [[effort]] tables alone, not {', '.join(table)}")
    return tuple(_parse_row(level, row) for level, row in enumerate(table["effort"]))


def _parse_row(level: int, row: dict[str, Any]) -> Effort:
    values = dict(row)
    if values.pop("level", None) != level:
        raise ValueError(f"effort levels count up from 0: expected level = {level}")
    types = get_type_hints(Effort)
    names = {field.name for field in fields(Effort)}
    if values.keys() != names:
        wrong = ", ".join(sorted(values.keys() ^ names))
        raise ValueError(f"effort {level}: unknown or missing: {wrong}")
    for name, value in values.items():
        # Exact types: True is not a count.
        if type(value) is not types[name] or (types[name] is int and value < 0):
            raise ValueError(f"effort {level}: {name} = {value!r} is not a {types[name].__name__}")
    return Effort(**values)
