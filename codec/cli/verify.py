"""`nncodec verify`: whether a file decodes, and how close it is to a picture."""

from __future__ import annotations

from io import BytesIO

import click

import codec
from codec import files
from codec.cli import parts, standard
from codec.cli.console import blaming
from codec.errors import ImageError
from codec.options import DecodeOptions


@click.command(
    "verify",
    short_help="Check that a file decodes.",
    cls=parts.ExampleCommand,
    context_settings=parts.HELP_NAMES,
    examples=[
        ("nncodec verify photo.bin", "Check the checksum and decode it all."),
        ("nncodec verify photo.bin --against photo.png", "Print the PSNR too."),
    ],
)
@click.argument("source", metavar="FILE", type=parts.path)
@click.option("--against", metavar="IMG", type=parts.path, help="Picture to compare with.")
@parts.max_pixels_option
@parts.threads_option
@parts.quiet_option
def command(source: str, against: str | None, max_pixels: int | None, quiet: bool) -> None:
    """Decode FILE completely and write nothing; exit with 1 if that fails."""
    with blaming(source), standard.insisting():
        data = files.read(source)
        pixels = codec.decode(data, DecodeOptions(max_pixels))
        metadata = standard.metadata_of(data)
    height, width, _ = pixels.shape
    line = f"{source}: ok  {width} x {height}"
    if against is not None:
        from codec import image
        from codec.metadata import upright

        with blaming(against):
            reference = image.load(BytesIO(files.read(against)))
            if metadata is not None:
                pixels = upright(pixels, metadata.orientation)
                height, width, _ = pixels.shape
            if reference.shape != pixels.shape:
                raise ImageError(f"is not {width} x {height}, the size of {source}")
        line += f"  {image.psnr_db(pixels, reference):.2f} dB"
    if not quiet:
        click.echo(line)
