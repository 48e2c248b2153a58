"""The program as a process: its source, and a terminal to run it on."""

from __future__ import annotations

import os
import pty
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}, {str(Path(__file__).parent)!r}]
import codec
from conftest import FakeCodec
fake = FakeCodec()
for name in ("encode", "encode_shared", "decode", "restore"):
    setattr(codec, name, getattr(fake, name))
from codec.cli import main
main(prog_name="nncodec")
"""
"""The program in a process of its own, with the codec that `conftest` fakes."""


def on_terminal(*arguments: str) -> tuple[int, bytes]:
    """Runs the program on a terminal; its exit status, and what the terminal gets."""
    pid, terminal = pty.fork()
    if pid == 0:
        arguments = (sys.executable, ".program.py", *arguments)
        os.execv(sys.executable, arguments)  # noqa: S606
    output = b""
    try:
        while part := os.read(terminal, 4096):
            output += part
    except OSError:  # how Linux says that nobody writes any more
        pass
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), output
