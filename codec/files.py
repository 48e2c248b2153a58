"""Files that are whole or absent: output appears under its name only when it is complete.

What is no regular file is written as it stands: devices, pipes, and the descriptors of the process
(`/dev/stdout`, or `/dev/fd/63`, which shells write for `>(command)`).
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from codec.errors import OutputError

File = bytes | str | os.PathLike[str]
"""The bytes of a file, or its name."""
STREAM = "-"
"""The name that stands for standard input or standard output."""
NAMED_DESCRIPTORS = {"/dev/stdout": 1, "/dev/stderr": 2}
DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/(\d{1,9})")
PERMISSIONS = 0o777
TERMINAL = "binary data is not written to a terminal; redirect the output"


def descriptor(name: str) -> int | None:
    """The open file of this process that a name stands for; None for most names."""
    path = os.path.normpath(name)
    found = DESCRIPTOR.fullmatch(path)
    return int(found[1]) if found else NAMED_DESCRIPTORS.get(path)


def is_stream(name: str) -> bool:
    """Whether an output is a stream of this very process, which no other one can write."""
    return name == STREAM or descriptor(name) is not None


def read(name: str) -> bytes:
    """Reads a whole file, or standard input."""
    if name == STREAM:
        if sys.stdin is None:
            raise OSError(errno.EBADF, "standard input is closed")
        return sys.stdin.buffer.read()
    if not name:  # to `Path` it is the current folder
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    return Path(name).read_bytes()


def bytes_of(file: File) -> bytes:
    """The bytes of a file that is given by its name, or by its bytes already."""
    return read(os.fspath(file)) if isinstance(file, str | os.PathLike) else bytes(file)


def check_output(name: str, *, force: bool) -> None:
    """Refuses an output that could not be written, before minutes are spent on its content.

    Raises:
        OutputError: if the name is taken and `force` is not set, if the name is not that of a
            file in a writable folder, or if binary data would go to a terminal.
    """
    if name == STREAM:
        if sys.stdout is None:
            raise OutputError("standard output is closed")
        if sys.stdout.isatty():
            raise OutputError(TERMINAL)
        return
    opened = descriptor(name)
    if opened is not None:
        if os.isatty(opened):
            raise OutputError(TERMINAL)
        return
    if not name:
        raise OutputError("an empty name is that of no file")
    found = _state(name)
    if found is not None and not stat.S_ISREG(found.st_mode):
        _check_special(name, found.st_mode)
    else:
        _check_file(name, force=force, exists=found is not None)


def _state(name: str) -> os.stat_result | None:
    """Type, permissions and owner of what a name leads to; None if there is nothing."""
    try:
        return os.stat(name)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}") from error


def _check_special(name: str, mode: int) -> None:
    """Refuses what is neither a file nor takes a stream of bytes."""
    if stat.S_ISDIR(mode):
        raise OutputError("is a folder")
    if not (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
        raise OutputError("is neither a file nor a pipe")
    if stat.S_ISCHR(mode):
        with suppress(OSError):  # that it cannot be opened is said when it is to be
            opened = os.open(name, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
            try:
                is_terminal = os.isatty(opened)
            finally:
                os.close(opened)
            if is_terminal:
                raise OutputError(TERMINAL)


def _check_file(name: str, *, force: bool, exists: bool) -> None:
    """Refuses a name that cannot be that of a new file, or may not be."""
    # A link stays a link: what it leads to is written.
    target = Path(os.path.realpath(name))
    if not target.parent.is_dir():
        parent = target.parent if os.path.islink(name) else Path(name).parent
        raise OutputError(f"the folder {parent} does not exist")
    if not os.access(target.parent, os.W_OK):
        raise OutputError(f"the folder {target.parent} is not writable")
    if exists and not force:
        raise OutputError("exists already; use -f to overwrite it")
    if not exists and os.path.islink(name) and not force:
        raise OutputError("is a link to nothing; use -f to make the file that it names")
    if target.is_symlink():
        raise OutputError("is a link that leads to itself")


@contextmanager
def open_output(name: str, *, force: bool) -> Iterator[BinaryIO]:
    """Opens a file or a stream for writing; nothing is visible unless the block succeeds."""
    check_output(name, force=force)
    found = None if is_stream(name) else _state(name)
    is_file = found is None or stat.S_ISREG(found.st_mode)
    if is_file and not is_stream(name):
        with _replacing(Path(os.path.realpath(name)), found) as file:
            yield file
        return
    buffer = BytesIO()
    yield buffer
    try:
        _write_stream(name, buffer.getvalue())
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}") from error


def _write_stream(name: str, data: bytes) -> None:
    """Writes to what cannot be replaced by a complete file."""
    if name == STREAM:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    opened = descriptor(name)
    # A descriptor is taken as it is: to open a file again would write over what stands there.
    target = os.open(name, os.O_WRONLY | os.O_NOCTTY) if opened is None else os.dup(opened)
    with open(target, "wb") as file:
        file.write(data)


@contextmanager
def _replacing(target: Path, old: os.stat_result | None) -> Iterator[BinaryIO]:
    """Opens a file that at the end takes the place, owner and permissions of an old one."""
    # In the folder of the target, because a rename is atomic only within one file system.
    partial = target.with_name(f".{os.urandom(8).hex()}.part")
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            if old is not None:
                with suppress(OSError, AttributeError):  # only root may, and not on every system
                    os.chown(partial, old.st_uid, old.st_gid)
                partial.chmod(old.st_mode & PERMISSIONS)
            os.fsync(file.fileno())
        partial.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Makes a new name in a folder outlast a power failure."""
    if not hasattr(os, "O_DIRECTORY"):  # such systems cannot open a folder
        return
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):  # some file systems have nothing to be synchronised
            os.fsync(opened)
    finally:
        os.close(opened)
