"""`nncodec encode`: pictures to files."""

from __future__ import annotations

import os
from pathlib import Path

import click

from codec.batch.jobs import EncodeJob
from codec.batch.plan import Step
from codec.batch.sources import CODED_SUFFIX, is_picture_name
from codec.cli import parts
from codec.cli.console import Speech
from codec.cli.run import write_outputs
from codec.options import EncodeOptions


@click.command(
    "encode",
    short_help="Compress pictures.",
    cls=parts.ExampleCommand,
    context_settings=parts.HELP_NAMES,
    examples=[
        ("nncodec encode photo.png", "Compress to photo.nni."),
        ("nncodec encode -q 80 -e 9 photo.png best.nni", "Better, and slower."),
        ("nncodec encode -r photos --output-dir small", "All pictures of a folder."),
        ("nncodec encode - - <photo.png >photo.nni", "From and to a pipe."),
    ],
)
@click.argument("names", metavar="IN... [OUT]", type=parts.path, nargs=-1, required=True)
@parts.quality_option
@parts.effort_option
@click.option(
    "--update/--no-update",
    default=parts.DEFAULTS.update,
    show_default=True,
    help="Adapt the decoder's filter to each picture.",
)
@click.option(
    "--verify/--no-verify",
    default=parts.DEFAULTS.verify,
    show_default=True,
    help="Decode the result and compare before it is written.",
)
@parts.device_option
@parts.naming_options
@parts.running_options
@parts.speech_options
def command(
    names: tuple[str, ...],
    quality: float,
    effort: int,
    update: bool,
    verify: bool,
    device: str,
    naming: parts.Naming,
    running: parts.Running,
    speech: Speech,
) -> None:
    """Compress the pictures IN; - is standard input or output.

    Without OUT each file goes beside its picture, under its name with .nni. The second of two names
    is OUT unless it is a picture too. With -r, IN may be folders; --output-dir then gets the same
    tree.
    """
    options = EncodeOptions(quality, effort, update, verify, device)
    inputs, only = parts.split_names(names, naming, _is_picture)

    def make_job(step: Step) -> EncodeJob:
        return EncodeJob(
            source=step.source, target=step.target, force=naming.force, options=options
        )

    outputs = naming.outputs(CODED_SUFFIX, only)
    write_outputs(inputs, outputs, is_picture_name, make_job, naming, running, speech)


def _is_picture(name: str) -> bool:
    """Whether a name is that of a picture, or the file holds one."""
    if is_picture_name(Path(name)):
        return True
    if not os.path.isfile(name):
        return False
    from codec import image

    return image.is_picture(name)
