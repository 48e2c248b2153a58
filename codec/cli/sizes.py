"""Numbers with units, the same in all commands."""

from __future__ import annotations

import re
from typing import Any

import click

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}
FORM = re.compile(r"(\d+(?:\.\d+)?)\s*([kKmMgG]?)")


class Amount(click.ParamType):  # type: ignore[type-arg]  # older releases are not generic
    """A positive whole number: 20000, 20K, 20k or 1.5M.

    A K is a thousand, so that a limit in KiB holds too.
    """

    def __init__(self, what: str = "bytes") -> None:
        self.name = what

    def convert(
        self, value: Any, param: click.Parameter | None, context: click.Context | None
    ) -> int:
        """The number."""
        if isinstance(value, int):
            return value
        match = FORM.fullmatch(str(value).strip())
        number = int(float(match[1]) * UNITS[match[2].upper()]) if match else 0
        if number < 1:
            form = f"{value!r} is no number of {self.name} such as 20000, 20K or 1.5M"
            self.fail(form, param, context)
        return number


BYTES = Amount()
PIXELS = Amount("pixels")
