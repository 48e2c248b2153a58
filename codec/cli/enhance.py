"""`nncodec enhance`: a standard file to the same file with an update."""

from __future__ import annotations

from io import BytesIO

import click

import codec
from codec import files
from codec.cli import parts, standard
from codec.cli.console import Progress, blaming, print_json
from codec.options import EFFORT_MAX, EncodeOptions

DEFAULTS = EncodeOptions()


@click.command(
    "enhance",
    short_help="Put an update into a JPEG, WebP or AVIF file.",
    cls=parts.ExampleCommand,
    context_settings=parts.HELP_NAMES,
    examples=[
        ("nncodec enhance photo.png photo.jpg", "Make photo.enhanced.jpg."),
        ("nncodec enhance -f photo.png photo.jpg -o photo.jpg", "Replace the file."),
        ("nncodec decode photo.enhanced.jpg", "Restore the better picture."),
    ],
)
@click.argument("original", metavar="ORIGINAL", type=parts.path)
@click.argument("source", metavar="FILE", type=parts.path)
@standard.out_option
@click.option(
    "-e",
    "--effort",
    type=click.IntRange(0, EFFORT_MAX),
    default=DEFAULTS.effort,
    show_default=True,
    help="0 sends no update, 1 searches one, 2 and more search longer.",
)
@parts.threads_option
@parts.force_option
@parts.quiet_option
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def command(
    original: str,
    source: str,
    target: str | None,
    effort: int,
    force: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Let this decoder show FILE better: closer to the picture ORIGINAL that it was made from.

    FILE is a JPEG, WebP or AVIF file. OUT is the same file with some bytes more, which every other
    program skips. Without OUT it goes beside FILE, as photo.enhanced.jpg. Where nothing is gained,
    OUT is FILE.
    """
    from codec import image

    target = target or standard.beside(source, "enhanced")
    if as_json:
        parts.refuse_stream(target, "--json")
    with blaming(target):
        files.check_output(target, force=force)
    with blaming(original):
        pixels = image.load(BytesIO(files.read(original)))
    with blaming(source):
        data = files.read(source)
    standard.check_format(target, data)
    with blaming(source), Progress(quiet=quiet) as progress:
        result = codec.enhance(pixels, data, EncodeOptions(effort=effort), progress)
    with blaming(target), files.open_output(target, force=force) as file:
        file.write(result.data)

    report = result.report
    added = len(result.data) - report.plain_bytes
    if not quiet:
        figures = (
            f"{source} -> {target}",
            f"{report.plain_bytes:,} + {added:,} B",
            f"{report.plain_psnr_db:.2f} -> {report.psnr_db:.2f} dB",
            f"{report.seconds:.1f} s",
            report.note,
        )
        click.echo("  ".join(filter(None, figures)), err=True)
    if as_json:
        print_json(
            {
                "input": source,
                "output": target,
                "bytes": len(result.data),
                "plain_bytes": report.plain_bytes,
                "update_bytes": report.update_bytes,
                "bpp": report.bpp,
                "psnr_db": report.psnr_db,
                "plain_psnr_db": report.plain_psnr_db,
                "seconds": report.seconds,
            }
        )
