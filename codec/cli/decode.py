"""`nncodec decode`: a file to a picture."""

from __future__ import annotations

from pathlib import Path

import click

import codec
from codec import files
from codec.cli import parts, standard
from codec.cli.console import blaming
from codec.options import DecodeOptions


@click.command(
    "decode",
    short_help="Restore a picture.",
    cls=parts.ExampleCommand,
    context_settings=parts.HELP_NAMES,
    examples=[
        ("nncodec decode photo.bin", "Restore it as photo.png."),
        ("nncodec decode -f photo.bin copy.png", "Overwrite copy.png."),
        ("nncodec decode - - <photo.bin >photo.png", "From and to a pipe."),
    ],
)
@click.argument("source", metavar="IN", type=parts.path)
@click.argument("target", metavar="[OUT]", type=parts.path, required=False)
@parts.max_pixels_option
@parts.threads_option
@parts.force_option
@parts.quiet_option
def command(
    source: str,
    target: str | None,
    max_pixels: int | None,
    force: bool,
    quiet: bool,
) -> None:
    """Restore the picture in the file IN as the PNG file OUT; - is standard input or output.

    IN is a file of this codec, or a JPEG, WebP or AVIF file that `nncodec enhance` or `encode` has
    written; then OUT gets its colour profile and EXIF. Without OUT the picture goes beside IN,
    under its name with .png.
    """
    from codec import image

    target = target or _default_target(source)
    if Path(target).suffix.lower() not in {"", ".png"}:
        raise click.BadParameter("only .png can be written", param_hint="'[OUT]'")
    with blaming(target):
        files.check_output(target, force=force)
    with blaming(source):
        data = files.read(source)
        with standard.telling(source, quiet=quiet):
            pixels = codec.decode(data, DecodeOptions(max_pixels))
        metadata = standard.metadata_of(data)
    with blaming(target), files.open_output(target, force=force) as file:
        image.save_png(pixels, file, metadata)
    if not quiet:
        height, width, _ = pixels.shape
        click.echo(f"{source} -> {target}  {width} x {height}", err=True)


def _default_target(source: str) -> str:
    return source if source == files.STREAM else str(Path(source).with_suffix(".png"))
