"""Jobs on this machine: one after the other here, or in worker processes.

Each worker has its own interpreter, networks and threads, and gets one job at a time.  If a process
dies (for want of memory, say), only its own job is run again, by a new one.  That is why this is
not `concurrent.futures.ProcessPoolExecutor`: there one death ends all workers and all their jobs.
"""

from __future__ import annotations

import multiprocessing
import signal
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait

from codec.batch.jobs import Job, attempt
from codec.batch.results import Failed, Result
from codec.batch.threads import set_threads

ATTEMPTS = 3
"""After so many deaths of its process, a job counts as their cause."""
PATIENCE_S = 10
"""How long a process that is told to end may take to tidy up."""


def run(jobs: Iterable[Job], *, workers: int, threads: int) -> Iterator[Result]:
    """Runs jobs in worker processes.

    Args:
        jobs: what to do.
        workers: number of processes.
        threads: in each of them.

    Yields:
        One result for each job, in the order in which they end.
    """
    waiting = deque(_Try(job) for job in jobs)
    pool: list[_Worker] = []
    try:
        pool.extend(_Worker(threads) for _ in range(min(workers, len(waiting))))
        while waiting or any(worker.current for worker in pool):
            for worker in pool:
                if waiting and worker.current is None:
                    worker.give(waiting.popleft())
            busy = [(worker, task) for worker in pool if (task := worker.current)]
            ready = wait([worker.connection for worker, _ in busy])
            for worker, task in busy:
                if worker.connection not in ready:
                    continue
                try:
                    yield worker.take()
                except (EOFError, OSError):  # the process is gone
                    worker.dismiss()
                    end = worker.wait()
                    pool[pool.index(worker)] = _Worker(threads)
                    if task.number < ATTEMPTS:
                        waiting.appendleft(task.again())
                    else:
                        yield _give_up(task.job, end)
    finally:
        for worker in pool:
            worker.dismiss()
        for worker in pool:
            worker.wait()


def _give_up(job: Job, end: str) -> Failed:
    reason = f"{ATTEMPTS} worker processes were {end}; more memory or fewer --jobs may help"
    return Failed(job.source, f"{job.source}: {reason}")


@dataclass(frozen=True)
class _Try:
    """A job, and how often it has been started."""

    job: Job
    number: int = 1

    def again(self) -> _Try:
        # The process may have died between writing the output and saying so.
        return _Try(self.job.repeated(), self.number + 1)


class _Worker:
    """A process that runs the jobs sent to it."""

    def __init__(self, threads: int) -> None:
        # Not forked: a copy of a process that has used torch can hang.
        context = multiprocessing.get_context("spawn")
        self.connection, other_end = context.Pipe()
        self.current: _Try | None = None
        self._process = context.Process(target=_serve, args=(other_end, threads), daemon=True)
        self._process.start()
        other_end.close()

    def give(self, task: _Try) -> None:
        """Sends a job."""
        self.current = task
        with suppress(OSError):  # the process is gone: `take` will find out
            self.connection.send(task.job)

    def take(self) -> Result:
        """Waits for its result.  Raises EOFError or OSError if the process is gone."""
        result: Result = self.connection.recv()
        self.current = None
        return result

    def dismiss(self) -> None:
        """Tells the process to end, and does not wait for it."""
        self.connection.close()  # which ends it when it is idle
        if self.current:
            self._process.terminate()

    def wait(self) -> str:
        """Waits until the process has ended; says how it did."""
        self._process.join(PATIENCE_S)
        self._process.kill()
        self._process.join()
        code = self._process.exitcode
        if code is not None and code < 0:
            return f"killed by signal {-code}"
        return f"ended by exit code {code}"


def _serve(connection: Connection, threads: int) -> None:
    """What a worker process does, until the other end is closed."""
    # Ctrl-C reaches all processes of a terminal; the parent decides, and ends this one by SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    warnings.simplefilter("ignore")  # each process would repeat what libraries find odd
    set_threads(threads)
    with suppress(EOFError, OSError):
        while True:
            connection.send(attempt(connection.recv()))


def _leave(_signal: int, _frame: object) -> None:
    # An exception, so that a half-written output is removed.
    raise SystemExit(128 + signal.SIGTERM)
