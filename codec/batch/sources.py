"""Names on the command line -> files, with folders searched below."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bitstream import MAGIC, FormatError
from bitstream.carriers import carrier_of
from codec import files
from codec.batch.results import Failed
from codec.errors import EMPTY
from codec.picture.formats import CODED_SUFFIX

HEAD_BYTES = 1024
"""Enough to recognize a standard format."""


@dataclass(frozen=True)
class Source:
    """An input.

    Attributes:
        name: as the user named it, or the folder that holds it.
        below: its place below the folder that was named, for a tree that mirrors it.
    """

    name: str
    below: Path


def is_enhanced(path: Path) -> bool:
    """Whether a file is a standard one that carries a payload."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            carrier = carrier_of(head)
            return carrier is not None and carrier.extract(head + file.read()) is not None
    except (OSError, FormatError):
        return False


def is_coded(path: Path) -> bool:
    """Whether this codec decodes a file: by its name, by its first bytes, or by its payload."""
    if path.suffix.lower() == CODED_SUFFIX:
        return True
    if not path.is_file():  # to look into a pipe would take from it, or wait for ever
        return False
    try:
        with path.open("rb") as file:
            if file.read(len(MAGIC)) == MAGIC:
                return True
    except OSError:
        return False
    return is_enhanced(path)


def find(
    names: Iterable[str],
    wanted: Callable[[Path], bool],
    *,
    recursive: bool,
    avoid: str | None = None,
) -> Iterator[Source | Failed]:
    """The inputs that names stand for: files themselves, folders for the files below them.

    Args:
        names: files, folders, or `files.STREAM`.
        wanted: which files count inside of folders.
        recursive: whether folders are searched.
        avoid: a folder that is not searched, because the outputs go there.

    Yields:
        Sources in the order of `names`, sorted below a folder; a failure for each name that stands
        for nothing.
    """
    for name in names:
        if not name:
            yield Failed(name, f"{EMPTY}: {os.strerror(errno.ENOENT)}")
        elif name == files.STREAM or not os.path.isdir(name):
            yield Source(name, Path(Path(name).name))
        elif not recursive:
            yield Failed(name, f"{name}: Is a directory; -r works on what is in it")
        else:
            found = False
            for item in _below(name, wanted, avoid):
                found = True
                yield item
            if not found:
                yield Failed(name, f"{name}: holds no file to work on")


def _below(
    root: str, wanted: Callable[[Path], bool], avoid: str | None
) -> Iterator[Source | Failed]:
    """Files below a folder; hidden ones are left out, and links to folders are not followed."""
    unreadable: list[OSError] = []
    for folder, subfolders, names in os.walk(root, onerror=unreadable.append):
        subfolders[:] = sorted(
            name
            for name in subfolders
            if not name.startswith(".") and not _same(os.path.join(folder, name), avoid)
        )
        for name in sorted(names):
            path = Path(folder, name)
            if not name.startswith(".") and path.is_file() and wanted(path):
                yield Source(str(path), path.relative_to(root))
    for error in unreadable:
        yield Failed(str(error.filename), f"{error.filename}: {error.strerror}")


def _same(folder: str, other: str | None) -> bool:
    return other is not None and os.path.realpath(folder) == os.path.realpath(other)
