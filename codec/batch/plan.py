"""Files -> where their outputs go, and what is settled before any work begins.

An output that is another's already, that exists, or that would replace an input is refused
here, for all files at once and before minutes are spent on the first.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from codec import files
from codec.batch.results import Failed, Skipped
from codec.batch.resume import Check, Left, left, unknown
from codec.batch.sources import Source
from codec.errors import FileError, OutputError, blaming


@dataclass(frozen=True)
class Outputs:
    """How outputs are named, and when one may be replaced.

    Attributes:
        suffix: of outputs that get their names from their inputs; that of the input if empty.
        mark: what stands before the suffix, to tell them from their inputs.
        only: name of the one output; the other fields say how to name several.
        folder: where a tree of outputs goes that mirrors the inputs; beside them if None.
        force: replace outputs that exist.
        resume: leave out inputs whose outputs are done, and make again what is only half so.
        check: whether an output is done, see `codec.batch.resume`.
        recipe: how outputs are made, see `codec.batch.recipes`.
        in_place: whether an output may be its own input.
        itself: what to do where it is and may not.
    """

    suffix: str = ""
    mark: str = ""
    only: str | None = None
    folder: str | None = None
    force: bool = False
    resume: bool = False
    check: Check = unknown
    recipe: bytes = b""
    in_place: bool = False
    itself: str = "-o gives the output another name, --output-dir another folder"

    def name(self, source: Source) -> str:
        """The output of an input."""
        if self.only is not None:
            return self.only
        if source.name == files.STREAM:
            return files.STREAM
        base = Path(source.name) if self.folder is None else Path(self.folder, source.below)
        return str(base.with_suffix(self.mark + (self.suffix or base.suffix)))


@dataclass(frozen=True)
class Step:
    """An input and the output to make of it; `force` if that may be replaced."""

    source: str
    target: str
    force: bool = False


def plan(sources: Iterable[Source | Failed], outputs: Outputs) -> Iterator[Step | Skipped | Failed]:
    """What to do with each input; makes the folders that outputs go to."""
    sources = list(sources)
    inputs = {os.path.realpath(item.name) for item in sources if isinstance(item, Source)}
    taken: dict[str, str] = {}
    for source in sources:
        if isinstance(source, Failed):
            yield source
            continue
        try:
            with blaming(source.name):
                if source.name != files.STREAM:
                    os.stat(source.name)
        except FileError as error:
            yield Failed(source.name, str(error))
            continue
        target = outputs.name(source)
        force = outputs.force
        if outputs.resume and not files.is_stream(target):
            found = left(target, source.name, outputs.check, outputs.recipe)
            if found == Left.DONE:
                yield Skipped(source.name, target)
                continue
            force = force or found == Left.REPLACE
        try:
            with blaming(target):
                if not files.is_stream(target):
                    _claim(target, source.name, inputs, taken, outputs)
                files.check_output(target, force=force)
        except FileError as error:
            yield Failed(source.name, str(error))
            continue
        yield Step(source.name, target, force)


def _claim(
    target: str, source: str, inputs: set[str], taken: dict[str, str], outputs: Outputs
) -> None:
    """Gives an output to a source, if nobody else needs the file of that name."""
    place = os.path.realpath(target)
    if place == os.path.realpath(source):
        if not outputs.in_place:
            raise OutputError(f"is the input itself; {outputs.itself}")
    elif place in inputs:
        raise OutputError("is an input too")
    if place in taken:
        raise OutputError(
            f"is the output of {taken[place]}, and cannot be that of {source}; "
            "-o gives that another name"
        )
    taken[place] = source
    if outputs.folder is not None:
        os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
