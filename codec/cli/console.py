"""What the command line says: progress, results and failures, in one line each or as JSON.

Everything is plain text without colour, so there is nothing for NO_COLOR to switch off.
"""

from __future__ import annotations

import errno
import json
import math
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Generic, Self, TypeVar

import click

from codec.batch.results import Decoded, Failed, facts
from codec.terminal import escaped

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Facts = TypeVar("Facts", bound="DataclassInstance")

BAR_WIDTH = 32


class Failure(click.ClickException):
    """Ends the program with one line on standard error and exit code 1."""

    def show(self, file: IO[str] | None = None) -> None:
        """Prints the line."""
        say(f"nncodec: {self.message}", err=True)


@dataclass(frozen=True)
class Speech:
    """How much is said: the options that all commands with long work have."""

    quiet: bool
    progress: bool
    as_json: bool


class Progress:
    """A callback that draws the state of a long run on one line, and wipes it at the end.

    It stays silent where nobody watches: if not asked for, or if standard error is no terminal.
    """

    def __init__(self, speech: Speech) -> None:
        watched = sys.stderr is not None and sys.stderr.isatty()
        self._visible = speech.progress and not speech.quiet and watched
        self._line = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wipe()

    def __call__(self, stage: str, fraction: float) -> None:
        """Shows a stage and how much of it is done, 0 to 1."""
        filled = round(fraction * BAR_WIDTH)
        bar = "#" * filled + "." * (BAR_WIDTH - filled)
        line = f"{stage}  [{bar}]  {fraction:4.0%}"
        if self._visible and line != self._line:
            self._draw(line)

    def wipe(self) -> None:
        """Clears the line, for other text."""
        if self._line:
            self._draw("")

    def _draw(self, line: str) -> None:
        # Spaces instead of an escape sequence: they wipe a longer line on every terminal.
        blank = " " * len(self._line)
        with suppress(OSError):
            click.echo(f"\r{blank}\r{line}", err=True, nl=False)
        self._line = line


def say(*lines: str, err: bool = False) -> None:
    """Prints lines for people: all text that may hold names or texts of files passes here.

    Args:
        lines: what is no plain text in them is escaped.
        err: to standard error, where what cannot be written is lost: it is never the result.

    Raises:
        OSError: standard output is closed, or takes no more.
    """
    encoding = getattr(sys.stderr if err else sys.stdout, "encoding", None)
    text = "\n".join(escaped(line, encoding) for line in lines)
    if err:
        with suppress(OSError):
            click.echo(text, err=True)
    else:
        _print(text)


def warn(line: str) -> None:
    """Prints a warning."""
    say(f"nncodec: warning: {line}", err=True)


def _print(text: str) -> None:
    if sys.stdout is None:
        raise OSError(errno.EBADF, "is closed")
    click.echo(text)


def one_line(result: object) -> list[str]:
    """A result as its own line."""
    return [str(result)]


class Reporter(Generic[Facts]):
    """Says what came of each file, and at the end which ones failed.

    Args:
        speech: how much to say.
        progress: the line to keep free of other text.
        total: number of results to come.
        single: whether it is about one file that was named: then there is no count at the end, and
            JSON is one object; else JSON is one object in each line, failures included.
        render: a result as lines of text.
        facts: a result as JSON.
        text_is_result: whether the text goes to standard output.
    """

    def __init__(
        self,
        speech: Speech,
        progress: Progress,
        total: int,
        *,
        single: bool,
        render: Callable[[Facts], Sequence[str]] = one_line,
        facts: Callable[[Facts | Failed], dict[str, Any]] = facts,
        text_is_result: bool = False,
    ) -> None:
        self._speech = speech
        self._progress = progress
        self._total = total
        self._single = single
        self._render = render
        self._facts = facts
        self._text_is_result = text_is_result
        self._counts: Counter[str] = Counter()
        self._failures: list[Failed] = []

    def add(self, result: Facts | Failed) -> None:
        """Says what came of a file; failures wait for the end."""
        self._progress.wipe()
        self._counts[type(result).__name__.lower()] += 1
        if isinstance(result, Failed):
            self._failures.append(result)
        if isinstance(result, Decoded) and result.warning and not self._speech.quiet:
            warn(f"{result.input}: {result.warning}")
        if self._speech.as_json and not (self._single and isinstance(result, Failed)):
            print_json(self._facts(result), indent=2 if self._single else None)
        elif not self._speech.quiet and not isinstance(result, Failed):
            say(*self._render(result), err=not self._text_is_result)
        if not self._single:
            done = self._counts.total()
            self._progress(f"{done} of {self._total}", done / self._total)

    def finish(self) -> None:
        """Counts the results and lists the failures; ends the program with 1 if there are any."""
        self._progress.wipe()
        if not self._single and not self._speech.quiet:
            counts = (f"{count} {what}" for what, count in sorted(self._counts.items()))
            say(", ".join(counts), err=True)
        for failure in self._failures:
            Failure(failure.error).show()
        if self._failures:
            click.get_current_context().exit(Failure.exit_code)


def print_json(values: object, indent: int | None = 2) -> None:
    """Prints results for machines; a number that JSON cannot hold (infinite PSNR) becomes null.

    Raises:
        OSError: see `say`.
    """
    _print(json.dumps(_finite(values), indent=indent))


def _finite(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
