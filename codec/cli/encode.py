"""`nncodec encode`: pictures to files."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click

from codec import files
from codec.batch import checks, recipes
from codec.batch.encode_jobs import EncodeJob
from codec.batch.plan import Step
from codec.cli import asking, parts, picture_options, sharing
from codec.cli.console import Speech
from codec.cli.run import write_outputs
from codec.cli.targets import target_options, time_limit_option
from codec.contract import techniques
from codec.contract.contents import STANDARD_CONTENTS
from codec.contract.options import EncodeOptions
from codec.errors import blaming
from codec.picture.formats import CODED_SUFFIX, SUFFIXES, format_named_for, is_picture_name


@click.command(
    "encode",
    short_help="Compress pictures.",
    cls=parts.ExampleCommand,
    context_settings=parts.HELP_NAMES,
    examples=[
        ("nncodec encode photo.png", "Compress to photo.nni."),
        ("nncodec encode -q 80 -e 9 photo.png best.nni", "Better, and slower."),
        ("nncodec encode --target-size 20K photo.png", "At most 20,000 bytes."),
        ("nncodec encode --lossless photo.png", "The very same pixels again."),
        ("nncodec encode --content jpeg photo.png photo.jpg", "A JPEG file with an update in it."),
        ("nncodec encode -r photos --output-dir small", "All pictures of a folder."),
        ("nncodec encode a.png b.png --shared-update ab.nnu", "One update for both."),
        ("nncodec encode - - <photo.png >photo.nni", "From and to a pipe."),
    ],
)
@click.argument("names", metavar="IN... [OUT]", type=parts.path, nargs=-1, required=True)
@parts.bundle(
    "wanted",
    asking.Wanted,
    asking.quality_option,
    target_options,
    click.option("--lossless", is_flag=True, help="Code the picture exactly, whatever it takes."),
    asking.content_option,
)
@parts.bundle(
    "options",
    EncodeOptions,
    asking.effort_option,
    time_limit_option,
    asking.tune_option,
    click.option(
        "--update",
        type=click.Choice(techniques.names()),
        default=EncodeOptions.update,
        show_default=True,
        help="How to adapt the decoder's filter to each picture.",
    ),
    click.option("--no-update", "update", flag_value=techniques.NONE, help="The same as none."),
    click.option(
        "--metadata",
        type=asking.MetadataKinds(),
        metavar="all|none|icc,exif,xmp,iptc",
        default="all",
        show_default=True,
        help="What to keep of the colour profile, EXIF, XMP and IPTC.",
    ),
    picture_options.strict_option,
    picture_options.frame_option,
    picture_options.truncated_option,
    picture_options.max_pixels_option(EncodeOptions.max_pixels),
    click.option(
        "--verify/--no-verify",
        default=EncodeOptions.verify,
        show_default=True,
        help="Decode the result and compare before it is written.",
    ),
    asking.device_option,
    mode=asking.UNKNOWN,
)
@click.option(
    "--report", metavar="FILE.html", type=click.Path(), help="Write a page on the only picture."
)
@click.option(
    "--roi",
    metavar="MASK",
    type=click.Path(),
    help="Picture: errors weigh more where it is light.",
)
@sharing.set_option
@parts.naming_options
@parts.running_options
@parts.speech_options
def command(
    names: tuple[str, ...],
    wanted: asking.Wanted,
    options: EncodeOptions,
    report: str | None,
    roi: str | None,
    shared_update: str | None,
    naming: parts.Naming,
    running: parts.Running,
    speech: Speech,
) -> None:
    """Compress the pictures IN; - is standard input or output.

    Without OUT each file goes beside its picture, under its name with .nni. The second of two names
    is OUT unless it is a picture too. With -r, IN may be folders; --output-dir then gets the same
    tree.

    With --content jpeg, webp or avif, files are such files, with .jpg, .webp or .avif: every
    program shows them, and this decoder better. Then OUT is named like one; by any other name it is
    a file of this codec with that content. --content compressai:NAME:QUALITY takes a network of the
    CompressAI zoo, which decoders then need too, with its weights.

    With --shared-update, pictures that are alike share one update, if that saves bytes: then
    FILE.nnu is written before the others, which need it. Beside them it is found by itself.
    """
    inputs, only = parts.split_names(
        names, naming, _is_input(wanted.content), _is_output(wanted.content)
    )
    standard_file = _is_standard_file(only, wanted.content)
    mode = wanted.mode(standard_file=standard_file and not wanted.lossless)
    options = replace(options, mode=mode)

    if shared_update is not None and (only is not None or report is not None):
        raise click.UsageError("--shared-update is for several pictures, without OUT and --report")
    if roi is not None:
        if wanted.lossless or shared_update is not None:
            other = "--lossless" if wanted.lossless else "--shared-update"
            raise click.UsageError(f"{other} and --roi exclude each other")
        if len(inputs) > 1 or naming.recursive:
            raise click.UsageError("--roi is about one picture")
    if report is not None:
        if wanted.lossless:
            raise click.UsageError("--lossless and --report exclude each other")
        if len(inputs) > 1 or naming.recursive or files.is_stream(report):
            raise click.UsageError("--report is a file about one picture")
        with blaming(report):
            files.check_output(report, force=naming.force)

    recipe = recipes.recipe(options, roi or "")

    def make_job(step: Step) -> EncodeJob:
        return EncodeJob(
            source=step.source,
            target=step.target,
            force=step.force,
            preserve=naming.preserve,
            options=options,
            report=report or "",
            roi=roi or "",
            recipe=recipe,
        )

    suffix = SUFFIXES.get(wanted.content, CODED_SUFFIX)
    outputs = naming.outputs(only, suffix=suffix, check=checks.encoded(options), recipe=recipe)
    if shared_update is not None:
        sharing.write_set(
            inputs, outputs, make_job, shared_update, options, naming, running, speech
        )
        return
    write_outputs(inputs, outputs, is_picture_name, make_job, naming, running, speech)


def _is_standard_file(only: str | None, content: str) -> bool:
    """Whether to write standard files, by the name of the only output if there is one."""
    if only is None or files.is_stream(only):
        return content in STANDARD_CONTENTS
    named = format_named_for(only)
    if named not in (None, content):
        raise click.UsageError(f"{only} is the name of a {named} file: --content {named} makes one")
    return named is not None


def _is_input(content: str) -> Callable[[str], bool]:
    """Whether the second of two names is an input, so that no picture is taken for an output."""

    def check(name: str) -> bool:
        named, exists = format_named_for(name), os.path.lexists(name)
        if named == content and exists:
            raise click.UsageError(
                f"{name} exists: is it input or output? -o {name} -f overwrites it, "
                "--output-dir DIR encodes it too"
            )
        # By its name it could only be a picture that is missing; an output is more likely.
        return (exists or named is None) and _is_picture(name)

    return check


def _is_output(content: str) -> Callable[[str], bool]:
    """Whether the last of several names is that of a new file, not of one more picture."""

    def check(name: str) -> bool:
        if Path(name).suffix.lower() == CODED_SUFFIX:  # beside itself it would be its own output
            return content not in STANDARD_CONTENTS or not os.path.lexists(name)
        return format_named_for(name) == content and not os.path.lexists(name)

    return check


def _is_picture(name: str) -> bool:
    """Whether a name is that of a picture, or the file holds one."""
    if is_picture_name(Path(name)):
        return True
    if not os.path.isfile(name):
        return False
    from codec.picture import reading

    return reading.is_picture(name)
