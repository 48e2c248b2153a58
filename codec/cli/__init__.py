"""The command `nncodec`: one module per subcommand, what they share in `parts` and `console`.

Nothing here imports torch or Pillow at its top, so that help, version and `info` are quick.
"""

from __future__ import annotations

import click

from codec import __version__
from codec.cli import decode, encode, enhance, info, strip, verify
from codec.cli.parts import HELP_NAMES, ExampleCommand

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


@click.group(
    "nncodec",
    cls=Program,
    context_settings=HELP_NAMES,
    examples=[
        ("nncodec encode photo.png photo.bin", "Compress a picture."),
        ("nncodec decode photo.bin", "Restore it as photo.png."),
        ("nncodec info photo.bin", "Show what the file holds."),
        ("nncodec verify photo.bin", "Check that it decodes."),
        ("nncodec enhance photo.png photo.jpg", "Put an update into a JPEG file."),
    ],
)
@click.version_option(__version__, "-V", "--version", message="nncodec %(version)s")
def main() -> None:
    """Learned image compression that adapts its decoder to each picture."""


for module in (encode, decode, info, verify, enhance, strip):
    main.add_command(module.command)
