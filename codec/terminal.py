"""What reaches the terminal: names and texts of unknown origin as one harmless line.

A file's name, and texts inside of files, may hold escape sequences that a terminal would obey, line
breaks that make one line two, and bytes that are no text.  JSON needs none of this: it has escapes
of its own, and stays exact.
"""

from __future__ import annotations

import os
import sys
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

BREAKS_LINES = {"Zl", "Zp"}
"""Separators of lines and paragraphs, by their Unicode categories."""
CONTROLS = {"Cc", "Cs"}
"""Control characters, and surrogates: how Python holds the bytes of a name that are not UTF-8."""
TURNS_TEXT = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""What changes the direction of text: `gnp.exe` could be made to look like `exe.png`."""
RAW_BYTES = range(0xDC80, 0xDD00)
"""Surrogates that stand for a byte (PEP 383)."""


def escaped(text: str, encoding: str | None = None) -> str:
    r"""Replaces what a terminal would obey, or cannot show, by escapes such as \x1b, \n or \u202e.

    Args:
        text: one line.
        encoding: of the terminal; what it does not have is escaped too.
    """
    safe = "".join(map(_shown, text))
    if encoding is None:
        return safe
    return safe.encode(encoding, "backslashreplace").decode(encoding)


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    code, category = ord(character), unicodedata.category(character)
    if code in RAW_BYTES:
        return f"\\x{code & 0xFF:02x}"
    if category in CONTROLS | BREAKS_LINES or character in TURNS_TEXT:
        return character.encode("unicode_escape", "surrogatepass").decode("ascii")
    return character


@contextmanager
def one_line_warnings(show: Callable[[str], None]) -> Iterator[None]:
    """Hands the text of each warning of a library to `show`, once.

    Only for a program that has just begun: filters of warnings belong to the whole process.
    """
    seen: set[str] = set()

    def show_once(message: object, *_: object, **_named: object) -> None:
        line = " ".join(str(message).split())
        if line not in seen:
            seen.add(line)
            show(line)

    with warnings.catch_warnings():
        # Larger pictures than that are refused, or accepted by an option.
        warnings.filterwarnings("ignore", "Image size .* exceeds limit")
        warnings.showwarning = show_once
        yield


def occupy_closed_streams() -> None:
    """Puts the null device where standard streams are closed, as by `2>&-` in a shell.

    Else the next file that is opened takes the place, and what libraries report goes into it.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest that is free, which is this one.
            os.open(os.devnull, os.O_RDWR)


def flush_output() -> None:
    """Flushes standard output; after a failure nothing more is written to it, not even at the end.

    Raises:
        OSError: it takes no more.
    """
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError):  # what stands for it in a test has no descriptor
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise
