"""`nncodec strip`: a standard file without its update."""

from __future__ import annotations

import click

from bitstream import BadMagic
from bitstream.carriers import carrier_of
from codec import files
from codec.cli import parts, standard
from codec.cli.console import blaming


@click.command(
    "strip",
    short_help="Take the update out of a JPEG, WebP or AVIF file.",
    cls=parts.ExampleCommand,
    context_settings=parts.HELP_NAMES,
    examples=[
        ("nncodec strip photo.jpg", "Make photo.plain.jpg."),
        ("nncodec strip -f photo.jpg -o photo.jpg", "Replace the file."),
    ],
)
@click.argument("source", metavar="FILE", type=parts.path)
@standard.out_option
@parts.force_option
@parts.quiet_option
def command(source: str, target: str | None, force: bool, quiet: bool) -> None:
    """Write FILE as it was before `nncodec enhance`, byte for byte.

    Without OUT it goes beside FILE, as photo.plain.jpg.
    """
    target = target or standard.beside(source, "plain")
    with blaming(target):
        files.check_output(target, force=force)
    with blaming(source):
        data = files.read(source)
        carrier = carrier_of(data)
        if carrier is None:
            raise BadMagic("not a JPEG, WebP or AVIF file")
        plain = carrier.strip(data)
    standard.check_format(target, data)
    with blaming(target), files.open_output(target, force=force) as file:
        file.write(plain)
    if not quiet:
        click.echo(f"{source} -> {target}  {len(data):,} -> {len(plain):,} B", err=True)
