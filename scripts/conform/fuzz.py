"""Feeds hostile inputs to all that opens files; each may take or refuse them, at little cost.

    python -m scripts conform.fuzz --inputs 100000 --seed 1 --out results/0.1.0/fuzz.tsv

prints one line per target and outcome; the last line counts failures: crashes, hangs and costly
inputs, which take more than a second of processor time or 100 MB.  Inputs are derived from the
conformance vectors and run with their tiny models; standard files with the filters of the package.
One that fails is saved in tests/fuzz/crashes, where the tests replay it.  --seconds ends a run
earlier, whatever it has done by then is in the table.

Columns of the table: target (`scripts.conform.feeds`), outcome ("decoded" or the class of the
error), inputs, slowest_s (of processor time) and most_mb (of memory that an input adds to what the
process has), and the same for each byte of an input: s_per_kb, mb_per_kb, at most.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from codec.models import released
from scripts.conform.feeds import Feeds
from scripts.conform.inputs import TARGETS, Inputs
from scripts.conform.vectors import MODELS

CRASHES = Path(__file__).parents[2] / "tests" / "fuzz" / "crashes"
TIME_LIMIT_S = 10
"""Of processor time, like all times here: no input makes a decoder wait, but a machine may."""

MEMORY_LIMIT_BYTES = 1 << 30
"""Address space that decoding may add to what the process has after its imports."""

COSTLY_S, COSTLY_MB = 1.0, 100.0
"""What no input of some kilobytes may take."""
BLOCK = 100
DECODED = "decoded"
FAILURES = ("crash", "hang", "costly")


class TimeLimit(BaseException):
    """An input takes too long; not an Exception, so that nothing mistakes it for one."""


@dataclass(frozen=True)
class Outcome:
    """What came of one input; `detail` describes a failure."""

    number: int
    target: str
    kind: str
    seconds: float
    added_mb: float
    size: int
    detail: str = ""


class Fuzzer:
    """Makes inputs and feeds them; an input follows from the seed and its number alone."""

    def __init__(self, seed: int, targets: Sequence[str] = TARGETS) -> None:
        os.environ[released.MODELS_VARIABLE] = str(MODELS)
        self.seed = seed
        self.inputs = Inputs(seed, targets)
        self.feeds = Feeds()

    def make(self, number: int) -> tuple[str, bytes]:
        """The target of an input, and the input."""
        return self.inputs.make(number)

    def feed(self, target: str, data: bytes) -> str:
        """Runs one input: "decoded", or the class of the error that refuses it."""
        found = self.feeds.targets[target]
        try:
            found.feed(data)
        except found.refusals as error:
            return type(error).__name__
        return DECODED

    def run(self, number: int) -> Outcome:
        """Runs one input under the limits."""
        target, data = self.make(number)
        reset_peak()
        before, start = proc_status_kb("VmRSS"), time.process_time()
        kind, detail = DECODED, ""
        try:
            with time_limit():
                kind = self.feed(target, data)
        except TimeLimit:
            kind = "hang"
        except Exception as error:
            kind, detail = "crash", f"{type(error).__name__}: {error}"
        seconds = time.process_time() - start
        added_mb = max(proc_status_kb("VmHWM") - before, 0) / 1024
        if kind not in FAILURES and (seconds > COSTLY_S or added_mb > COSTLY_MB):
            kind, detail = "costly", f"{kind}: {seconds:.2f} s, {added_mb:.0f} MB"
        return Outcome(number, target, kind, seconds, added_mb, len(data), detail)


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


def reset_peak() -> None:
    """Makes Linux forget the largest resident memory seen so far."""
    Path("/proc/self/clear_refs").write_text("5")


def proc_status_kb(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field + ":"))


@lru_cache
def limited_fuzzer(seed: int) -> Fuzzer:
    """The fuzzer of a worker process, whose memory is bounded once all is imported."""
    fuzzer = Fuzzer(seed)
    for number in range(4 * len(TARGETS)):  # all models and libraries are loaded by then
        fuzzer.run(number)
    bound = proc_status_kb("VmSize") * 1024 + MEMORY_LIMIT_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
    return fuzzer


def run_block(seed: int, numbers: range) -> list[Outcome]:
    """What a worker process does."""
    fuzzer = limited_fuzzer(seed)
    return [fuzzer.run(number) for number in numbers]


class Workers:
    """One worker process after another: an input may end it."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._pool = self._start()

    def run(self, numbers: range) -> list[Outcome]:
        """Outcomes of all inputs; the one that ends the process is found by bisection."""
        try:
            return self._pool.submit(run_block, self._seed, numbers).result()
        except BrokenProcessPool:
            self._pool = self._start()
        if len(numbers) == 1:
            target = TARGETS[numbers[0] % len(TARGETS)]
            return [Outcome(numbers[0], target, "crash", 0, 0, 0, "the process ended")]
        middle = len(numbers) // 2
        return self.run(numbers[:middle]) + self.run(numbers[middle:])

    def close(self) -> None:
        """Ends the process."""
        self._pool.shutdown()

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))


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
    fuzzer, workers = Fuzzer(args.seed), Workers(args.seed)
    outcomes: list[Outcome] = []
    began = time.monotonic()
    for start in range(0, args.inputs, BLOCK):
        if time.monotonic() - began > args.seconds:
            break
        outcomes += workers.run(range(start, min(start + BLOCK, args.inputs)))
        for failed in (found for found in outcomes[start:] if found.kind in FAILURES):
            save(failed, fuzzer)
        write_table(args.out, outcomes)
    workers.close()
    failures = sum(found.kind in FAILURES for found in outcomes)
    print(args.out.read_text(), end="")
    print(f"{len(outcomes)} inputs, {failures} failures")
    return int(failures > 0)


def save(failed: Outcome, fuzzer: Fuzzer) -> None:
    """Keeps the input of a failure, and says what happened."""
    target, data = fuzzer.make(failed.number)
    path = CRASHES / f"{target}-{fuzzer.seed}-{failed.number}.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    print(f"{failed.kind}: {path.name}: {failed.detail}", file=sys.stderr)


def write_table(path: Path, outcomes: list[Outcome]) -> None:
    """One row per target and outcome."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for found in outcomes:
        groups.setdefault((found.target, found.kind), []).append(found)
    lines = ["target\toutcome\tinputs\tslowest_s\tmost_mb\ts_per_kb\tmb_per_kb"]
    for (target, kind), group in sorted(groups.items()):
        slowest = max(found.seconds for found in group)
        most = max(found.added_mb for found in group)
        s_per_kb = max(found.seconds / max(found.size, 1) for found in group) * 1000
        mb_per_kb = max(found.added_mb / max(found.size, 1) for found in group) * 1000
        figures = f"{slowest:.2f}\t{most:.0f}\t{s_per_kb:.2f}\t{mb_per_kb:.0f}"
        lines.append(f"{target}\t{kind}\t{len(group)}\t{figures}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
