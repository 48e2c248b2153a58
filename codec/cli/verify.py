"""`nncodec verify`: whether files decode, and how close one is to a picture."""

from __future__ import annotations

import click

from codec.batch.decode_jobs import VerifyJob
from codec.batch.results import Failed
from codec.batch.sources import find, is_coded
from codec.cli import decode_options, parts
from codec.cli.console import Speech
from codec.cli.run import run_jobs
from codec.contract.decoding import DecodeOptions


@click.command(
    "verify",
    short_help="Check that files decode.",
    cls=parts.ExampleCommand,
    context_settings=parts.HELP_NAMES,
    examples=[
        ("nncodec verify photo.nni", "Check the checksum and decode it all."),
        (
            "nncodec verify photo.nni --against photo.png",
            "Measure how close it is, too.",
        ),
        ("nncodec verify -r small", "Check all files of a folder."),
    ],
)
@click.argument("names", metavar="FILE...", type=parts.path, nargs=-1, required=True)
@click.option("--against", metavar="IMG", type=parts.path, help="Picture to compare with.")
@decode_options.options
@parts.recursive_option
@parts.running_options
@parts.speech_options
def command(
    names: tuple[str, ...],
    against: str | None,
    options: DecodeOptions,
    recursive: bool,
    running: parts.Running,
    speech: Speech,
) -> None:
    """Decode each FILE completely and write nothing; exit with 1 if that fails.

    A JPEG, WebP or AVIF file fails too if the update in it is not for its picture.
    """
    single = len(names) == 1 and not recursive
    if against is not None and not single:
        raise click.UsageError("--against compares one file")
    work = [
        source
        if isinstance(source, Failed)
        else VerifyJob(source=source.name, options=options, against=against)
        for source in find(names, is_coded, recursive=recursive)
    ]
    run_jobs(work, running, speech, single=single, text_is_result=True)
