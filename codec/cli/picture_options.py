"""Options about picture files: which are read, and how strictly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from codec.cli.sizes import PIXELS

Command = Callable[..., Any]


def max_pixels_option(default: int | None) -> Callable[[Command], Command]:
    """The option --max-pixels."""
    return click.option(
        "--max-pixels",
        type=PIXELS,
        metavar="N[K|M]",
        default=default,
        show_default=True,
        help="Refuse larger pictures.",
    )


strict_option = click.option(
    "--strict", is_flag=True, help="Refuse a picture of which anything would be lost."
)
truncated_option = click.option(
    "--truncated", is_flag=True, help="Take what can be read of a picture that is cut short."
)
frame_option = click.option(
    "--frame",
    type=click.IntRange(min=0),
    metavar="N",
    help="Take this picture of an animation, or this page, from 0.",
)
