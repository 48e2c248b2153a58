"""`python -m codec` is the command `nncodec`."""

from __future__ import annotations

from codec.cli import main

main(prog_name="nncodec")
