"""Jobs on a Dask cluster, which keeps its own workers, queues and retries.

The workers need this package and see the same files under the same names.  When one dies, Dask
gives its jobs to the others.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from codec.batch.jobs import Job, attempt
from codec.batch.local import set_threads
from codec.batch.results import Failed, Result
from codec.errors import EngineError, FileError, blaming

SCHEME = "dask://"
TIMEOUT_S = 10


def run(jobs: Iterable[Job], *, address: str, threads: int) -> Iterator[Result]:
    """Runs jobs on the workers of a scheduler.

    Args:
        jobs: what to do.
        address: HOST:PORT of the scheduler.
        threads: of torch, in each job.

    Yields:
        One result for each job, in the order in which they end.

    Raises:
        EngineError: Dask is not installed, or the scheduler does not answer.
    """
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise EngineError("Dask is not installed: pip install 'nncodec-image[dask]'") from None
    try:
        client = Client(f"tcp://{address}", timeout=TIMEOUT_S, set_as_default=False)
    except OSError as error:
        raise EngineError(f"no Dask scheduler answers at {address}") from error
    with client:
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


def _attempt(job: Job, threads: int) -> Result:
    set_threads(threads)
    return attempt(job)
