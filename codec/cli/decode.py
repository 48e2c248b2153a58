"""`nncodec decode`: files to pictures."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import click

from codec.batch import mark
from codec.batch.decode_jobs import DecodeJob
from codec.batch.plan import Step
from codec.batch.sources import is_coded
from codec.cli import decode_options, parts
from codec.cli.console import Speech
from codec.cli.run import write_outputs
from codec.contract.decoding import SCALES, DecodeOptions
from codec.opening import READABLE
from codec.picture import formats


@click.command(
    "decode",
    short_help="Restore pictures.",
    cls=parts.ExampleCommand,
    context_settings=parts.HELP_NAMES,
    examples=[
        ("nncodec decode photo.nni", "Restore it as photo.png."),
        ("nncodec decode -f photo.nni copy.png", "Overwrite copy.png."),
        ("nncodec decode photo.nni small.jpg", "As JPEG, WebP, AVIF, TIFF or PPM."),
        ("nncodec decode --scale 1/8 photo.nni icon.png", "A preview, quickly."),
        ("nncodec decode photo.jpg", "As this decoder shows it, if enhanced."),
        ("nncodec decode -r small --output-dir large", "All files of a folder."),
        ("nncodec decode - - <photo.nni >photo.png", "From and to a pipe."),
    ],
)
@click.argument("names", metavar="IN... [OUT]", type=parts.path, nargs=-1, required=True)
@click.option(
    "--format",
    "asked",
    type=click.Choice(list(formats.BY_NAME)),
    help="Format of the pictures, if OUT does not say it.  [default: png]",
)
@click.option(
    "--scale",
    type=click.Choice([f"1/{scale}" for scale in SCALES if scale > 1]),
    callback=lambda _context, _param, part: int(part.removeprefix("1/")) if part else 1,
    help="A preview of that part of the size, quickly.",
)
@decode_options.options
@parts.naming_options
@parts.running_options
@parts.speech_options
def command(
    names: tuple[str, ...],
    asked: str | None,
    options: DecodeOptions,
    naming: parts.Naming,
    running: parts.Running,
    speech: Speech,
) -> None:
    """Restore the pictures in the files IN; - is standard input or output.

    IN are files of this codec, or JPEG, WebP and AVIF files that encode or enhance have written;
    pictures get their colour profiles and metadata. If an update in such a file is not for its
    picture (any more), a warning says so, and the picture is restored without.

    Pictures are PNG, or what OUT is named for (.jpg, .webp, .avif, .tif, .ppm), or --format. PNG,
    WebP, TIFF and PPM hold the very pixels; JPEG and AVIF are written at high quality. What a
    format does not hold is named, and transparency refused where there is no place for it.

    Without OUT each picture goes beside its file, under its name with .png, or the suffix of the
    format. The second of two names is OUT unless it is such a file too. With -r, IN may be folders;
    --output-dir then gets the same tree.

    With --scale pictures have a half, a quarter or an eighth of the width and height. That takes
    part of the time, since most of the decoder is left out: it is a preview.

    A file that shares its update with others takes it from the .nnu file that it names by a hash:
    one beside it, or one of --shared-update, which can be given several times.
    """
    inputs, only = parts.split_names(names, naming, lambda name: is_coded(Path(name)), _is_output)
    form = _format(only, asked)

    def make_job(step: Step) -> DecodeJob:
        return DecodeJob(
            source=step.source,
            target=step.target,
            force=step.force,
            preserve=naming.preserve,
            options=options,
            format=form.name,
        )

    outputs = naming.outputs(
        only,
        suffix=form.suffixes[0],
        check=partial(mark.decoded, scale=options.scale),
        itself=f"-o names the picture, if it is {READABLE}",
    )
    write_outputs(inputs, outputs, is_coded, make_job, naming, running, speech)


def _is_output(name: str) -> bool:
    """Whether a name is that of a picture which is not there."""
    return formats.format_of_name(name) is not None and not os.path.lexists(name)


def _format(only: str | None, asked: str | None) -> formats.Format:
    """The format of the outputs, which the name of the only one says unless it is asked for."""
    named = formats.format_of_name(only) if only is not None else None
    if asked is None and only is not None and named is None and Path(only).suffix:
        able = " ".join(form.suffixes[0] for form in formats.FORMATS)
        raise click.BadParameter(f"only {able} can be written", param_hint="'[OUT]'")
    form = formats.BY_NAME[asked] if asked else named or formats.PNG
    if named not in (None, form):
        raise click.UsageError(f"{only} is the name of a {named.name} file, not of {form.name}")
    return form
