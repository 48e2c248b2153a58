"""What the command line says: progress and errors in one line each, numbers in one form.

Everything is plain text without colour, so there is nothing for NO_COLOR to switch off.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Self

import click

from codec.errors import CodecError, FormatError

BAR_WIDTH = 32


class Failure(click.ClickException):
    """Ends the program with one line on standard error and exit code 1."""

    def show(self, file: IO[str] | None = None) -> None:
        """Prints the line."""
        click.echo(f"nncodec: {_one_line(self.message)}", file=file, err=True)


@contextmanager
def blaming(name: str) -> Iterator[None]:
    """Reports any error inside the block as one about the file `name`."""
    try:
        yield
    except Exception as error:
        raise Failure(f"{name}: {_explain(error)}") from error


def _explain(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, CodecError | FormatError):
        return str(error)
    # Not foreseen: name the type too, which is often the better half of the message.
    return f"{type(error).__name__}: {error}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


class Progress:
    """A callback that draws the state of a long run on one line, and wipes it at the end.

    It stays silent where nobody watches: with `quiet`, or if standard error is not a terminal.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._visible = not quiet and sys.stderr.isatty()
        self._line = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._line:
            self._draw("")

    def __call__(self, stage: str, fraction: float) -> None:
        """Shows a stage and how much of it is done, 0 to 1."""
        filled = round(fraction * BAR_WIDTH)
        bar = "#" * filled + "." * (BAR_WIDTH - filled)
        line = f"{stage}  [{bar}]  {fraction:4.0%}"
        if self._visible and line != self._line:
            self._draw(line)

    def _draw(self, line: str) -> None:
        # Spaces instead of an escape sequence: they wipe a longer line on every terminal.
        blank = " " * len(self._line)
        click.echo(f"\r{blank}\r{line}", err=True, nl=False)
        self._line = line


def print_json(values: Mapping[str, object]) -> None:
    """Prints results for machines; a number that JSON cannot hold (infinite PSNR) becomes null."""
    finite = {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in values.items()
    }
    click.echo(json.dumps(finite, indent=2))
