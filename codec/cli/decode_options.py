"""The options of a decode, as commands that decode share them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from codec.cli import parts, picture_options
from codec.contract.decoding import DecodeOptions
from codec.errors import blaming
from codec.update_files import SUFFIX


def _read(
    _context: click.Context, _param: click.Parameter, names: Sequence[str]
) -> tuple[bytes, ...]:
    """The update files, which must be some."""
    from bitstream.update.shared import SharedUpdate

    updates = []
    for name in names:
        with blaming(name):
            updates.append(Path(name).read_bytes())
            SharedUpdate.unpack(updates[-1])
    return tuple(updates)


options = parts.bundle(
    "options",
    DecodeOptions,
    picture_options.max_pixels_option(DecodeOptions().max_pixels),
    click.option(
        "--time-limit",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help="Give up on a file after so long.",
    ),
    click.option(
        "--shared-update",
        "updates",
        metavar=f"FILE{SUFFIX}",
        type=click.Path(),
        multiple=True,
        callback=_read,
        help="Update that files share; those beside them are found without.",
    ),
)
