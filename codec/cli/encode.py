"""`nncodec encode`: a picture to a file."""

from __future__ import annotations

from io import BytesIO

import click

import codec
from codec import files
from codec.cli import parts
from codec.cli.console import Progress, blaming, print_json
from codec.cli.targets import target_options, time_limit_option
from codec.options import EFFORT_MAX, QUALITY_MAX, EncodeOptions
from codec.targets import Target

DEFAULTS = EncodeOptions()


@click.command(
    "encode",
    short_help="Compress a picture.",
    cls=parts.ExampleCommand,
    context_settings=parts.HELP_NAMES,
    examples=[
        ("nncodec encode photo.png photo.bin", "Compress at quality 50."),
        ("nncodec encode -q 80 -e 9 photo.png photo.bin", "Better, and slower."),
        ("nncodec encode --target-size 20K photo.png photo.bin", "At most 20,000 bytes."),
        ("nncodec encode - - <photo.png >photo.bin", "From and to a pipe."),
    ],
)
@click.argument("source", metavar="IN", type=parts.path)
@click.argument("target", metavar="OUT", type=parts.path)
@click.option(
    "-q",
    "--quality",
    type=click.FloatRange(0, QUALITY_MAX),
    default=DEFAULTS.quality,
    show_default=True,
    help="0 is the smallest file, 100 the best picture.",
)
@target_options
@click.option(
    "-e",
    "--effort",
    type=click.IntRange(0, EFFORT_MAX),
    default=DEFAULTS.effort,
    show_default=True,
    help="0 is the fastest, 9 the smallest file for a quality.",
)
@time_limit_option
@click.option(
    "--update/--no-update",
    default=DEFAULTS.update,
    show_default=True,
    help="Adapt the decoder's filter to this picture.",
)
@click.option(
    "--verify/--no-verify",
    default=DEFAULTS.verify,
    show_default=True,
    help="Decode the result and compare before it is written.",
)
@parts.threads_option
@parts.device_option
@parts.force_option
@parts.quiet_option
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option(
    "--report", "page", metavar="FILE.html", type=click.Path(), help="Write a page on the result."
)
def command(
    source: str,
    target: str,
    quality: float,
    aim: Target | None,
    effort: int,
    time_limit: float | None,
    update: bool,
    verify: bool,
    device: str,
    force: bool,
    quiet: bool,
    as_json: bool,
    page: str | None,
) -> None:
    """Compress the picture IN to the file OUT; - is standard input or output."""
    from codec import image

    if as_json:
        parts.refuse_stream(target, "--json")
    with blaming(target):
        files.check_output(target, force=force)
    if page is not None:
        parts.refuse_stream(page, "--report")
        with blaming(page):
            files.check_output(page, force=force)
    with blaming(source), Progress(quiet=quiet) as progress:
        options = EncodeOptions(
            quality, effort, update, verify, device, target=aim, time_limit=time_limit
        )
        pixels = image.load(BytesIO(files.read(source)))
        result = codec.encode(pixels, options, progress)
    with blaming(target), files.open_output(target, force=force) as file:
        file.write(result.data)
    if page is not None:
        from codec import report_page

        with blaming(page), files.open_output(page, force=force) as file:
            file.write(report_page.render(source, pixels, result, options).encode())

    report = result.report
    if not quiet:
        figures = (
            f"{source} -> {target}",
            f"{len(result.data):,} B",
            f"{report.bpp:.3f} bpp",
            f"{report.psnr_db:.2f} dB",
            f"{report.seconds:.1f} s",
        )
        click.echo("  ".join(figures), err=True)
        if report.remark:
            click.echo(f"{source}: {report.remark}", err=True)
    if as_json:
        print_json(
            {
                "input": source,
                "output": target,
                "bytes": len(result.data),
                "update_bytes": report.update_bytes,
                "bpp": report.bpp,
                "psnr_db": report.psnr_db,
                "seconds": report.seconds,
                "quality": report.quality,
                "remark": report.remark,
            }
        )
