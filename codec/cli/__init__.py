"""The command `nncodec`: one module per subcommand, what they share in `parts` and `console`.

Nothing here imports torch or Pillow at its top, so that help, version and `info` are quick.
"""

from __future__ import annotations

import click

from codec import __version__
from codec.cli import (
    bench,
    completion,
    decode,
    encode,
    enhance,
    info,
    models,
    strip,
    verify,
    view,
    weights,
)
from codec.cli.console import Failure
from codec.cli.parts import HELP_NAMES, ExampleCommand
from codec.errors import CodecError

INTERRUPTED = 130


class Program(ExampleCommand, click.Group):
    """The group of all subcommands; Ctrl-C ends it the way shells expect."""

    def invoke(self, context: click.Context) -> object:
        """Runs the subcommand."""
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            click.echo("nncodec: interrupted", err=True)
            context.exit(INTERRUPTED)
        except CodecError as error:
            raise Failure(str(error)) from error


@click.group(
    "nncodec",
    cls=Program,
    context_settings=HELP_NAMES,
    examples=[
        ("nncodec encode photo.png", "Compress a picture."),
        ("nncodec encode -r photos --output-dir small", "Compress a folder."),
        ("nncodec decode photo.nni copy.png", "Restore a picture."),
        ("nncodec info photo.nni", "Show what a file holds."),
    ],
)
@click.version_option(__version__, "-V", "--version", message="nncodec %(version)s")
def main() -> None:
    """Learned image compression that adapts its decoder to each picture."""


for module in (
    encode,
    decode,
    enhance,
    strip,
    info,
    verify,
    view,
    bench,
    models,
    weights,
    completion,
):
    main.add_command(module.command)
