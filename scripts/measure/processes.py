"""Runs programs and tells what they took: seconds, memory, and what they imported."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codec.decoding.engines.choice import ENGINE_VARIABLE
from codec.decoding.engines.threads import THREADS_VARIABLE
from codec.research.tables import column

ROOT = Path(__file__).parents[2]
UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in which systems count memory."""
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

LAUNCH = """
import json, os, sys, time
start = time.perf_counter()
child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(child, 0)
wall = time.perf_counter() - start
own = usage.ru_utime + usage.ru_stime
with open(sys.argv[1], "w") as file:
    json.dump([os.waitstatus_to_exitcode(status), wall, own, usage.ru_maxrss], file)
"""
"""A small process that runs another and measures it: systems count the memory of the process that
starts one as if it were its own."""

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


def run(command: Sequence[str], kept: Mapping[str, str]) -> tuple[Figures, str]:
    """What a program takes, and its output; a failure of it ends this one."""
    with tempfile.NamedTemporaryFile() as file:
        launch = [sys.executable, "-I", "-S", "-c", LAUNCH, file.name, *command]
        output = subprocess.run(launch, env=kept, check=True, stdout=subprocess.PIPE, text=True)
        status, wall, own, peak = json.load(file)
    if status:
        sys.exit(f"{' '.join(command)} failed")
    return (wall, own, peak * UNIT / 1e6), output.stdout


def cold(command: Sequence[str], kept: Mapping[str, str], runs: int) -> Figures:
    """The best of several runs, after one that fills the caches."""
    run(command, kept)
    return min(run(command, kept)[0] for _ in range(runs))


def warm(path: Path, kept: Mapping[str, str], runs: int) -> Figures:
    """The best of several decodes of a file in one process."""
    (_, _, peak), output = run([sys.executable, "-c", REPEAT, str(path), str(runs)], kept)
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
