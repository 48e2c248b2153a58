"""The option --shared-update of `encode`, which makes update files; see `decode_options`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from codec.batch.encode_jobs import EncodeJob
from codec.batch.plan import Outputs, Step, plan
from codec.batch.results import Failed, Result, Shared
from codec.batch.sharing import check_update_file, encode_set
from codec.batch.sources import find
from codec.batch.threads import set_threads
from codec.cli import parts
from codec.cli.console import Progress, Reporter, Speech, print_json, say
from codec.contract.contents import LEARNED
from codec.contract.options import EncodeOptions
from codec.errors import OptionError
from codec.picture.formats import is_picture_name
from codec.update_files import SUFFIX


def _named_right(_context: click.Context, _param: click.Parameter, name: str | None) -> str | None:
    if name is not None and Path(name).suffix != SUFFIX:
        raise click.BadParameter(f"{name!r} does not end in {SUFFIX}; decoders look for that")
    return name


set_option = click.option(
    "--shared-update",
    metavar=f"FILE{SUFFIX}",
    type=click.Path(),
    callback=_named_right,
    help="Let several pictures share one update, in a file of its own.",
)


def write_set(
    inputs: Sequence[str],
    outputs: Outputs,
    make_job: Callable[[Step], EncodeJob],
    update_file: str,
    options: EncodeOptions,
    naming: parts.Naming,
    running: parts.Running,
    speech: Speech,
) -> None:
    """Encodes pictures that share an update; ends the program with 1 if any failed.

    Args:
        inputs: names of files and folders.
        outputs: how outputs are named.
        make_job: where the file of an input goes.
        update_file: where the update goes, if it pays.
        options: for all pictures.
        naming: options about files.
        running: who does the work.
        speech: what is said about it.
    """
    try:
        mode = options.lossy_set()
    except OptionError as error:
        raise click.UsageError(str(error)) from error
    refused = {
        "--content": mode.content != LEARNED,
        "--resume": naming.resume,
        "--engine": running.engine != "local",
        "--jobs": running.jobs > 1,
    }
    for option, given in refused.items():
        if given:
            raise click.UsageError(f"--shared-update and {option} exclude each other")
    sources = find(inputs, is_picture_name, recursive=naming.recursive, avoid=naming.output_dir)
    steps = list(plan(sources, outputs))
    if len(steps) < 2:
        raise click.UsageError("--shared-update is for several pictures")
    failures = [step for step in steps if isinstance(step, Failed)]
    jobs = [make_job(step) for step in steps if isinstance(step, Step)]
    check_update_file(update_file, jobs, force=naming.force)
    set_threads(running.threads)
    with Progress(speech) as progress:
        reporter: Reporter[Result] = Reporter(speech, progress, len(steps), single=False)
        results = encode_set(jobs, update_file, options, progress, force=naming.force)
        for result in failures or results:
            if isinstance(result, Shared):
                progress.wipe()
                _say(result, speech)
            else:
                reporter.add(result)
    reporter.finish()


def _say(shared: Shared, speech: Speech) -> None:
    """What came of the update file: no input has it as its output."""
    if speech.as_json:
        print_json(vars(shared), indent=None)
    elif not speech.quiet:
        say(str(shared), err=True)
