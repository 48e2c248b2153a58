"""What the subcommands have in common: their help and their shared options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from codec import files
from codec.options import DEVICES, DecodeOptions

HELP_NAMES = {"help_option_names": ["-h", "--help"]}

path = click.Path(allow_dash=True)
"""A file name, or - for a stream. Existence is checked later, with our own one-line message."""


class ExampleCommand(click.Command):
    """A command whose help begins with examples."""

    def __init__(self, *args: Any, examples: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_help(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the examples, then what click writes."""
        with formatter.section("Examples"):
            formatter.write_dl(self.examples, col_max=48)
        formatter.write_paragraph()
        super().format_help(context, formatter)


device_option = click.option(
    "--device",
    type=click.Choice(DEVICES),
    default="auto",
    show_default=True,
    help="Where the encoder searches; decoding needs no GPU.",
)
force_option = click.option("-f", "--force", is_flag=True, help="Overwrite the output.")
quiet_option = click.option("--quiet", is_flag=True, help="Print nothing but errors.")
max_pixels_option = click.option(
    "--max-pixels",
    type=click.IntRange(min=1),
    metavar="N",
    default=DecodeOptions().max_pixels,
    show_default=True,
    help="Refuse larger pictures.",
)


def _set_threads(_context: click.Context, _option: click.Parameter, count: int) -> None:
    """Limits torch to `count` threads; 0 leaves its own choice, which is all cores."""
    if count:
        import torch

        torch.set_num_threads(count)


threads_option = click.option(
    "-T",
    "--threads",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    expose_value=False,
    callback=_set_threads,
    help="CPU threads; 0 uses all cores.",
)


def refuse_stream(name: str, option: str) -> None:
    """Keeps text away from a binary stream on standard output."""
    if name == files.STREAM:
        raise click.UsageError(f"{option} needs an output file, not standard output")
