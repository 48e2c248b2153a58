"""Runs the jobs of `encode`, `decode` and `verify`, and says what came of them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path

import click

from codec import files
from codec.batch.jobs import Job, attempt
from codec.batch.plan import Outputs, Step, plan
from codec.batch.results import Failed, Result, Skipped
from codec.batch.sources import find
from codec.batch.threads import cores, set_threads
from codec.cli.console import Progress, Reporter, Speech
from codec.cli.parts import SCHEME, Naming, Running
from codec.contract.report import OnProgress

Results = Generator[Result, None, None]


def write_outputs(
    inputs: Sequence[str],
    outputs: Outputs,
    wanted: Callable[[Path], bool],
    make_job: Callable[[Step], Job],
    naming: Naming,
    running: Running,
    speech: Speech,
) -> None:
    """Makes an output of each input; ends the program with 1 if any failed.

    Args:
        inputs: names of files and folders, or `files.STREAM`.
        outputs: how outputs are named.
        wanted: which files count inside of folders.
        make_job: what is done for an input and its output.
        naming: options about files.
        running: who does the work.
        speech: what is said about it.
    """
    sources = find(inputs, wanted, recursive=naming.recursive, avoid=naming.output_dir)
    steps = list(plan(sources, outputs))
    streams = any(isinstance(step, Step) and files.is_stream(step.target) for step in steps)
    if streams and speech.as_json:
        raise click.UsageError("--json needs an output file, not standard output")
    if streams and running.engine != "local":
        raise click.UsageError("--engine needs files, not standard input or output")
    work = [make_job(step) if isinstance(step, Step) else step for step in steps]
    run_jobs(work, running, speech, single=len(inputs) == 1 and not naming.recursive)


def run_jobs(
    work: Sequence[Job | Skipped | Failed],
    running: Running,
    speech: Speech,
    *,
    single: bool,
    text_is_result: bool = False,
) -> None:
    """Runs jobs and says what came of them; ends the program with 1 if any failed.

    Args:
        work: jobs, and results that are settled without one.
        running: who runs the jobs.
        speech: what is said about them.
        single: whether it is about one file that was named.
        text_is_result: whether the text goes to standard output.
    """
    settled = [item for item in work if isinstance(item, Skipped | Failed)]
    jobs = [item for item in work if not isinstance(item, Skipped | Failed)]
    with Progress(speech) as progress:
        reporter: Reporter[Result] = Reporter(
            speech, progress, len(work), single=single, text_is_result=text_is_result
        )
        for outcome in settled:
            reporter.add(outcome)
        # Closed at once when Ctrl-C comes, so that worker processes end before this one.
        with closing(_results(jobs, running, progress)) as results:
            for result in results:
                reporter.add(result)
    reporter.finish()


def _results(jobs: Sequence[Job], running: Running, progress: OnProgress) -> Results:
    """The results of jobs, from the engine that was asked for."""
    if running.engine.startswith(SCHEME):
        from codec.batch import dask

        address = running.engine.removeprefix(SCHEME)
        yield from dask.run(jobs, address=address, threads=running.threads or 1)
        return
    workers = min(running.jobs or cores(), len(jobs))
    if workers > 1:
        threads = running.threads or max(1, cores() // workers)
        from codec.batch import local

        yield from local.run(jobs, workers=workers, threads=threads)
        return
    for job in jobs:
        set_threads(running.threads)
        yield attempt(job, progress)
