"""Jobs on a Dask cluster, which keeps its own workers, queues and retries.

The workers need this package, in this version, and see the same files under the same names.  When
one dies, Dask gives its jobs to the others.  Jobs and results are pickled: a scheduler, its workers
and whoever reaches them can run any code on each other and here.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from codec import __version__
from codec.batch.jobs import Job, attempt
from codec.batch.results import Failed, Result
from codec.batch.threads import set_threads
from codec.errors import EngineError, FileError, blaming

if TYPE_CHECKING:
    from distributed import Client

TIMEOUT_S = 10
"""How long to wait for the scheduler ..."""
WORKERS_TIMEOUT_S = 20
"""... and then for a first worker."""
VERSION = "__import__('codec').__version__"
"""An expression, since a worker without this package could not even find a function of it."""


def run(jobs: Iterable[Job], *, address: str, threads: int) -> Iterator[Result]:
    """Runs jobs on the workers of a scheduler.

    Args:
        jobs: what to do.
        address: HOST:PORT of the scheduler.
        threads: of torch, in each job.

    Yields:
        One result for each job, in the order in which they end.

    Raises:
        EngineError: Dask is not installed, the scheduler does not answer, or it has no workers, or
            workers without this version of the package.
    """
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise EngineError("Dask is not installed: pip install 'nncodec-image[dask]'") from None
    # It logs with tracebacks what becomes a result or an error here.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    try:
        client = Client(f"tcp://{address}", timeout=TIMEOUT_S, set_as_default=False)
    except OSError as error:
        raise EngineError(f"no Dask scheduler answers at {address}") from error
    with client:
        _check_workers(client, address)
        # The scheduler repeats jobs by itself, so each is sent as one that may be a repetition.
        folder = os.getcwd()
        waiting = {
            client.submit(_attempt, job.anywhere(folder).repeated(), threads, pure=False): job
            for job in jobs
        }
        for future in as_completed(list(waiting), loop=client.loop):
            job = waiting.pop(future)
            try:
                with blaming(job.source):
                    result = future.result()
            except FileError as error:  # its worker died again and again, or the scheduler did
                result = Failed(job.source, str(error))
            yield result


def _check_workers(client: Client, address: str) -> None:
    """Refuses a cluster on which jobs would wait for ever, or fail one after the other."""
    try:
        client.wait_for_workers(1, timeout=WORKERS_TIMEOUT_S)
    except TimeoutError:
        raise EngineError(
            f"the Dask scheduler at {address} has no workers: start `dask worker {address}`"
        ) from None
    try:
        found = {"the scheduler": client.run_on_scheduler(eval, VERSION)}
    except Exception as error:  # whatever importing raises there
        found = {"the scheduler": error}
    found |= client.run(eval, VERSION, on_error="return")
    for place, version in found.items():
        where = f"{place} of the Dask cluster at {address}"
        if isinstance(version, Exception):
            raise EngineError(
                f"{where} cannot import nncodec ({type(version).__name__}: {version}): "
                "pip install nncodec-image there"
            )
        if version != __version__:
            raise EngineError(f"{where} has nncodec {version}, not {__version__} as here")


def _attempt(job: Job, threads: int) -> Result:
    set_threads(threads)
    return attempt(job)
