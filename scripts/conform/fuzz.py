"""Feeds hostile inputs to all that opens files; each may take or refuse them, at little cost.

    python -m scripts conform.fuzz --inputs 1000000 --seed 1 --out results/0.1.0/fuzz.tsv

prints one line per target and outcome (`scripts.conform.tally` has the columns); the last line
counts failures: crashes, hangs and costly inputs, which take more than a second of processor time
or 100 MB.  Inputs are derived from the conformance vectors and run with their tiny models; standard
files with the filters of the package.  One that fails is saved in tests/fuzz/crashes, where the
tests replay it.

--seconds ends a run earlier.  A table that is there already is continued, whatever ended the run
that wrote it; a target whose rows are taken out of it is run again.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from codec.models import released
from scripts.conform.feeds import Feeds
from scripts.conform.inputs import SHARES, Inputs
from scripts.conform.tally import DECODED, FAILURES, Outcome, Tally
from scripts.conform.vectors import MODELS

CRASHES = Path(__file__).parents[2] / "tests" / "fuzz" / "crashes"
TIME_LIMIT_S = 10
"""Of processor time, like all times here: no input makes a decoder wait, but a machine may."""

KILL_AFTER_S = 3 * TIME_LIMIT_S
"""When compiled code is ended, with its process, because it hears no signal."""

MEMORY_LIMIT_BYTES = 1 << 30
"""Address space that decoding may add to what the process has after its imports."""

COSTLY_S, COSTLY_MB = 1.0, 100.0
"""What no input of some kilobytes may take."""
BLOCK = 100
WARM_UP = 4
"""Inputs per target before memory is bounded: all models and libraries are loaded by then."""


class TimeLimit(BaseException):
    """An input takes too long; not an Exception, so that nothing mistakes it for one."""


class Fuzzer:
    """Makes inputs and feeds them; an input follows from the seed, its target and its number."""

    def __init__(self, seed: int) -> None:
        os.environ[released.MODELS_VARIABLE] = str(MODELS)
        self.seed = seed
        self.inputs = Inputs(seed)
        self.feeds = Feeds()

    def make(self, target: str, number: int) -> bytes:
        """An input."""
        return self.inputs.make(target, number)

    def feed(self, target: str, data: bytes) -> str:
        """Runs one input: "decoded", or the class of the error that refuses it."""
        found = self.feeds.targets[target]
        try:
            found.feed(data)
        except found.refusals as error:
            return type(error).__name__
        return DECODED

    def run(self, target: str, number: int) -> Outcome:
        """Runs one input under the limits."""
        data, meter = self.make(target, number), Meter()
        kind, detail = DECODED, ""
        try:
            with time_limit():
                kind = self.feed(target, data)
        except TimeLimit:
            kind = "hang"
        except Exception as error:
            kind, detail = "crash", f"{type(error).__name__}: {error}"
        seconds, added_mb = meter.read()
        if kind not in FAILURES and (seconds > COSTLY_S or added_mb > COSTLY_MB):
            kind, detail = "costly", f"{kind}: {seconds:.2f} s, {added_mb:.0f} MB"
        return Outcome(number, target, kind, seconds, added_mb, len(data), detail)

    def keep(self, target: str, number: int) -> Path:
        """Saves an input for the tests."""
        path = CRASHES / f"{target}-{self.seed}-{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.make(target, number))
        return path


@contextmanager
def time_limit() -> Iterator[None]:
    """Raises TimeLimit in the block when it has used its time."""

    def stop(*_: object) -> None:
        raise TimeLimit

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, TIME_LIMIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


class Meter:
    """What this process takes from now on; Linux counts the memory."""

    def __init__(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")  # forgets the largest seen so far
        self._before_kb, self._start = proc_status_kb("VmRSS"), time.process_time()

    def read(self) -> tuple[float, float]:
        """Seconds of processor time, and megabytes that it has had more at most."""
        seconds = time.process_time() - self._start
        return seconds, max(proc_status_kb("VmHWM") - self._before_kb, 0) / 1024


def proc_status_kb(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field + ":"))


def bound_processor_time() -> None:
    """Ends this process if its next input takes far too long."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time()) + KILL_AFTER_S, hard))


@lru_cache
def limited_fuzzer(seed: int) -> Fuzzer:
    """The fuzzer of a worker process, whose memory is bounded once all is imported."""
    fuzzer = Fuzzer(seed)
    for target in SHARES:
        for number in range(WARM_UP):
            fuzzer.run(target, number)
    bound = proc_status_kb("VmSize") * 1024 + MEMORY_LIMIT_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
    return fuzzer


def run_block(seed: int, target: str, numbers: range) -> list[Outcome]:
    """What a worker process does."""
    fuzzer, outcomes = limited_fuzzer(seed), []
    for number in numbers:
        bound_processor_time()
        outcomes.append(fuzzer.run(target, number))
    return outcomes


class Workers:
    """One worker process after another: an input may end it."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._pool = self._start()

    def run(self, target: str, numbers: range) -> list[Outcome]:
        """Outcomes of all inputs; the one that ends the process is found by bisection."""
        try:
            return self._pool.submit(run_block, self._seed, target, numbers).result()
        except BrokenProcessPool:
            self._pool = self._start()
        if len(numbers) == 1:
            return [Outcome(numbers[0], target, "crash", 0, 0, 0, "the process ended")]
        middle = len(numbers) // 2
        return self.run(target, numbers[:middle]) + self.run(target, numbers[middle:])

    def close(self) -> None:
        """Ends the process."""
        self._pool.shutdown()

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))


def next_block(tally: Tally, inputs: int) -> tuple[str, range] | None:
    """What is furthest from its share of the inputs; None if all are done."""
    wanted = {
        name: math.ceil(inputs * share / sum(SHARES.values())) for name, share in SHARES.items()
    }
    done = {name: tally.done(name) for name in SHARES}
    target = min(SHARES, key=lambda name: done[name] / wanted[name])
    block = range(done[target], min(done[target] + BLOCK, wanted[target]))
    return (target, block) if block else None


def main() -> int:
    """Returns the exit status: 1 if an input failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=1000, metavar="N")
    parser.add_argument("--seconds", type=float, default=float("inf"), metavar="S")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.tsv")
    args = parser.parse_args()
    fuzzer, workers, tally = Fuzzer(args.seed), Workers(args.seed), Tally.read(args.out)
    began = time.monotonic()
    while (block := next_block(tally, args.inputs)) and time.monotonic() - began < args.seconds:
        outcomes = workers.run(*block)
        for failed in (found for found in outcomes if found.kind in FAILURES):
            path = fuzzer.keep(failed.target, failed.number)
            print(f"{failed.kind}: {path.name}: {failed.detail}", file=sys.stderr, flush=True)
        tally.add(outcomes)
        tally.write(args.out)
    workers.close()
    print(args.out.read_text(), end="")
    print(f"{sum(map(tally.done, SHARES))} inputs, {tally.failures} failures")
    return int(tally.failures > 0)


if __name__ == "__main__":
    sys.exit(main())
