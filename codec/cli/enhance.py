"""`nncodec enhance`: a standard file to the same file with an update."""

from __future__ import annotations

import click

from codec.batch.encode_jobs import EnhanceJob
from codec.batch.plan import Step
from codec.batch.sources import is_enhanced
from codec.cli import asking, parts, picture_options
from codec.cli.console import Speech
from codec.cli.run import write_outputs
from codec.contract.options import EncodeOptions


@click.command(
    "enhance",
    short_help="Put an update into a JPEG, WebP or AVIF file.",
    cls=parts.ExampleCommand,
    context_settings=parts.HELP_NAMES,
    examples=[
        ("nncodec enhance photo.png photo.jpg", "Make photo.enhanced.jpg."),
        ("nncodec enhance a.png b.jpg -o b.jpg -f", "Replace the file."),
        ("nncodec decode photo.enhanced.jpg", "Restore the better picture."),
    ],
)
@click.argument("original", metavar="ORIGINAL", type=parts.path)
@click.argument("source", metavar="FILE", type=parts.path)
@parts.bundle(
    "options",
    EncodeOptions,
    asking.effort_option,
    asking.tune_option,
    picture_options.strict_option,
    picture_options.max_pixels_option(EncodeOptions.max_pixels),
    asking.device_option,
    mode=asking.UNKNOWN,
)
@parts.bundle(
    "naming", parts.Naming, parts.output_option, parts.force_option, parts.preserve_option
)
@parts.bundle("running", parts.Running, parts.threads_option)
@parts.speech_options
def command(
    original: str,
    source: str,
    options: EncodeOptions,
    naming: parts.Naming,
    running: parts.Running,
    speech: Speech,
) -> None:
    """Let this decoder show FILE better: closer to the picture ORIGINAL that it was made from.

    FILE is a JPEG, WebP or AVIF file of any program. OUT is the same file with some bytes more,
    which all other programs skip. Without OUT it goes beside FILE, as photo.enhanced.jpg. Where
    nothing is gained, OUT is a copy of FILE.
    """

    def make_job(step: Step) -> EnhanceJob:
        return EnhanceJob(
            source=step.source,
            target=step.target,
            force=naming.force,
            preserve=naming.preserve,
            original=original,
            options=options,
        )

    outputs = naming.outputs(naming.output, mark=".enhanced", in_place=True)
    write_outputs([source], outputs, is_enhanced, make_job, naming, running, speech)
