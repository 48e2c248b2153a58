"""`nncodec decode`: files to pictures."""

from __future__ import annotations

from pathlib import Path

import click

from codec.batch.jobs import DecodeJob
from codec.batch.plan import Step
from codec.batch.sources import is_coded
from codec.cli import parts, sharing
from codec.cli.console import Speech
from codec.cli.run import write_outputs
from codec.contract.options import DecodeOptions

PICTURE_SUFFIX = ".png"


@click.command(
    "decode",
    short_help="Restore pictures.",
    cls=parts.ExampleCommand,
    context_settings=parts.HELP_NAMES,
    examples=[
        ("nncodec decode photo.nni", "Restore it as photo.png."),
        ("nncodec decode -f photo.nni copy.png", "Overwrite copy.png."),
        ("nncodec decode photo.jpg", "As this decoder shows it, if enhanced."),
        ("nncodec decode -r small --output-dir large", "All files of a folder."),
        ("nncodec decode - - <photo.nni >photo.png", "From and to a pipe."),
    ],
)
@click.argument("names", metavar="IN... [OUT]", type=parts.path, nargs=-1, required=True)
@sharing.decode_options
@parts.naming_options
@parts.running_options
@parts.speech_options
def command(
    names: tuple[str, ...],
    options: DecodeOptions,
    naming: parts.Naming,
    running: parts.Running,
    speech: Speech,
) -> None:
    """Restore the pictures in the files IN as PNG; - is standard input or output.

    IN are files of this codec, or JPEG, WebP and AVIF files that encode or enhance have written;
    PNG gets their colour profiles and metadata. If an update in such a file is not for its picture
    (any more), a warning says so, and the picture is restored without.

    Without OUT each picture goes beside its file, under its name with .png. The second of two names
    is OUT unless it is such a file too. With -r, IN may be folders; --output-dir then gets the
    same tree.

    A file that shares its update with others takes it from the .nnu file that it names by a hash:
    one beside it, or one of --shared-update, which can be given several times.
    """
    inputs, only = parts.split_names(names, naming, lambda name: is_coded(Path(name)))
    if only is not None and Path(only).suffix.lower() not in {"", PICTURE_SUFFIX}:
        raise click.BadParameter("only .png can be written", param_hint="'[OUT]'")

    def make_job(step: Step) -> DecodeJob:
        return DecodeJob(
            source=step.source,
            target=step.target,
            force=naming.force,
            options=options,
        )

    outputs = naming.outputs(only, suffix=PICTURE_SUFFIX)
    write_outputs(inputs, outputs, is_coded, make_job, naming, running, speech)
