"""`nncodec strip`: standard files without their updates."""

from __future__ import annotations

import click

from codec.batch import checks
from codec.batch.encode_jobs import StripJob
from codec.batch.plan import Step
from codec.batch.sources import is_enhanced
from codec.cli import parts
from codec.cli.console import Speech
from codec.cli.run import write_outputs


@click.command(
    "strip",
    short_help="Take updates out of JPEG, WebP and AVIF files.",
    cls=parts.ExampleCommand,
    context_settings=parts.HELP_NAMES,
    examples=[
        ("nncodec strip photo.jpg", "Make photo.plain.jpg."),
        ("nncodec strip photo.jpg -o photo.jpg -f", "Replace the file."),
        ("nncodec strip -r small --output-dir plain", "All files of a folder."),
    ],
)
@click.argument("names", metavar="FILE...", type=parts.path, nargs=-1, required=True)
@parts.naming_options
@parts.speech_options
def command(names: tuple[str, ...], naming: parts.Naming, speech: Speech) -> None:
    """Write each FILE as it was before `nncodec enhance`, byte for byte.

    Without -o each goes beside its FILE, as photo.plain.jpg.
    """
    inputs, only = parts.split_names(
        names, naming, is_input=lambda _name: True, is_output=lambda _name: False
    )

    def make_job(step: Step) -> StripJob:
        return StripJob(
            source=step.source, target=step.target, force=step.force, preserve=naming.preserve
        )

    outputs = naming.outputs(only, mark=".plain", check=checks.stripped, in_place=True)
    running = parts.Running(threads=0)
    write_outputs(inputs, outputs, is_enhanced, make_job, naming, running, speech)
