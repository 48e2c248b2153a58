"""Runs programs and tells what they took: seconds, memory, and what they imported."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codec.decoding.engines.choice import ENGINE_VARIABLE
from codec.decoding.engines.threads import THREADS_VARIABLE
from codec.research.tables import column
from scripts.measure.memory import ROOT, UNIT

IMPORT = re.compile(r"^import time: *(\d+) \| *\d+ \| *(\S+)$", re.MULTILINE)
"""Microseconds of a module without those that it imports, and its name."""
MOST_PACKAGES = 10
REPEAT = """
import json, sys, time, codec
data, runs = open(sys.argv[1], "rb").read(), int(sys.argv[2])
codec.decode(data)
found = []
for _ in range(runs):
    wall, own = time.perf_counter(), time.process_time()
    codec.decode(data)
    found.append((time.perf_counter() - wall, time.process_time() - own))
print(json.dumps(min(found)))
"""
"""A process that decodes a file again and again."""

Figures = tuple[float, float, float]
"""Seconds of a clock, seconds of processors, and megabytes of resident memory at most."""


@dataclass(frozen=True)
class Imports:
    """What a package costs at the start, without what it imports in turn.

    Attributes:
        package: its name; "standard library" for all of that.
        modules: how many of it are imported.
        ms: milliseconds of all of them, the least of several runs for each.
    """

    package: str
    modules: int
    ms: float = column(".1f")


def environment(bytecode: Path, engine: str = "", threads: int = 0) -> dict[str, str]:
    """That of a process of this codec, whose bytecode a folder keeps, as an installation does."""
    kept = {name: value for name, value in os.environ.items() if name != THREADS_VARIABLE}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    kept |= {
        "PYTHONPATH": str(ROOT),
        "PYTHONPYCACHEPREFIX": str(bytecode),
        ENGINE_VARIABLE: engine,
    }
    return kept | ({THREADS_VARIABLE: str(threads)} if threads else {})


def run(command: Sequence[str], kept: Mapping[str, str]) -> tuple[float, float, float, str]:
    """Seconds of a clock and of processors, megabytes and output of a program."""
    start = time.perf_counter()
    with subprocess.Popen(command, env=kept, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # for the type checker
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * UNIT / 1e6, output


def cold(command: Sequence[str], kept: Mapping[str, str], runs: int) -> Figures:
    """The best of several runs, after one that fills the caches."""
    run(command, kept)
    return min(run(command, kept)[:3] for _ in range(runs))


def warm(path: Path, kept: Mapping[str, str], runs: int) -> Figures:
    """The best of several decodes of a file in one process."""
    _, _, peak, output = run([sys.executable, "-c", REPEAT, str(path), str(runs)], kept)
    wall, own = json.loads(output)
    return wall, own, peak


def imports(command: Sequence[str], kept: Mapping[str, str], runs: int) -> list[Imports]:
    """What a program in Python imports, by packages: the dearest of them."""
    command = [command[0], "-X", "importtime", *command[1:]]
    least: dict[str, int] = {}
    for _ in range(runs):
        process = subprocess.run(command, env=kept, check=True, stderr=subprocess.PIPE, text=True)
        for own, module in IMPORT.findall(process.stderr):
            least[module] = min(least.get(module, int(own)), int(own))
    times: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for module, microseconds in least.items():
        package = module.partition(".")[0]
        package = "standard library" if package in sys.stdlib_module_names else package
        times[package] += microseconds
        counts[package] += 1
    return [
        Imports(package, counts[package], total / 1000)
        for package, total in times.most_common(MOST_PACKAGES)
    ]
