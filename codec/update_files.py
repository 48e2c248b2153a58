"""Update files (.nnu) beside the pictures that name them.

A picture names its update by a hash, so that a file of any name is taken, and never a wrong one.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from bitstream.update.methods import update_id
from codec import files
from codec.contract.decoding import DecodeOptions
from codec.opening import CodedFile, OpenedFile

SUFFIX = ".nnu"
LARGEST_BYTES = 2**24
"""Larger files are not looked at; an update file has some hundred bytes."""


def beside(
    opened: OpenedFile, name: str | os.PathLike[str], options: DecodeOptions
) -> DecodeOptions:
    """The options with the update file that a picture needs, if that lies in the same folder.

    Args:
        opened: the file of the picture.
        name: its name; a stream, or what has no name, lies nowhere.
        options: come back as they are if they have that update, or if there is none to be found.
    """
    name = os.fsdecode(name)
    wanted = opened.wanted if isinstance(opened, CodedFile) else None
    if wanted is None or any(update_id(update) == wanted for update in options.updates):
        return options
    if name in ("", files.STREAM):
        return options
    files_there = map(_read, sorted(Path(name).parent.glob(f"*{SUFFIX}")))
    # All of them: the decoder refuses two that differ.
    found = [update for update in files_there if update_id(update) == wanted]
    return replace(options, updates=(*options.updates, *found))


def _read(path: Path) -> bytes:
    """A file, or nothing if it is none to be read."""
    try:
        small = path.is_file() and path.stat().st_size <= LARGEST_BYTES
        return path.read_bytes() if small else b""
    except OSError:
        return b""
