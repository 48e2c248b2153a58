"""Files that are whole or absent: output appears under its name only when it is complete."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from codec.errors import OutputError

STREAM = "-"
"""The name that stands for standard input or standard output."""


def read(name: str) -> bytes:
    """Reads a whole file, or standard input."""
    return sys.stdin.buffer.read() if name == STREAM else Path(name).read_bytes()


def check_output(name: str, *, force: bool) -> None:
    """Refuses an output that could not be written, before minutes are spent on its content.

    Raises:
        OutputError: if the name is taken and `force` is not set, if the name is not that of a
            file in a writable folder, or if binary data would go to a terminal.
    """
    if name == STREAM:
        if sys.stdout.isatty():
            raise OutputError("binary data is not written to a terminal; redirect the output")
        return
    target = Path(name)
    if not target.parent.is_dir():
        raise OutputError(f"the folder {target.parent} does not exist")
    if not os.access(target.parent, os.W_OK):
        raise OutputError(f"the folder {target.parent} is not writable")
    if target.exists():
        # Renaming over a device or a pipe would replace the thing itself.
        if not target.is_file():
            raise OutputError("exists and is not a regular file")
        if not force:
            raise OutputError("exists already; use -f to overwrite it")


@contextmanager
def open_output(name: str, *, force: bool) -> Iterator[BinaryIO]:
    """Opens a file or standard output for writing; nothing is visible unless the block succeeds."""
    check_output(name, force=force)
    if name == STREAM:
        buffer = BytesIO()
        yield buffer
        sys.stdout.buffer.write(buffer.getvalue())
        sys.stdout.buffer.flush()
        return
    # A link stays a link: what it points to is replaced.
    target = Path(name).resolve()
    with _replacing(target) as file:
        yield file


@contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    # In the folder of the target, because a rename is atomic only within one file system.
    partial = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
