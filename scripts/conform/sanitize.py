"""Decodes all vectors and many hostile files with a kernel that watches its memory and arithmetic.

    python -m scripts conform.sanitize --inputs 200000 --out results/0.1.0/sanitize.tsv

builds the kernel with AddressSanitizer and UndefinedBehaviorSanitizer (by the system's compiler, as
that of the wheels has no library for them), decodes all vectors with every instruction set that
runs here, then inputs of the fuzzer (`scripts.conform.inputs`) that reach the kernel, the sets in
turn.  The first finding ends the process that it is found in: it is reported, saved in
tests/fuzz/crashes, and the exit status is 1.  A table that is there already is continued.

Columns: target, outcome ("decoded" or the class of the error), inputs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import hatch_build
from codec.decoding import decoder
from codec.decoding.contents import learned
from codec.decoding.engines import library
from codec.decoding.engines.compiled import KernelEngine
from codec.decoding.lossless import decoder as lossless
from codec.opening import open_file
from scripts.conform.fuzz import Fuzzer
from scripts.conform.vectors import all_vectors, pixels_sha256

COMPILER = "cc"
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
FLAGS = ("-std=c11", "-O1", "-g", "-fPIC", "-fwrapv", "-Wno-psabi", *SANITIZERS)
RUNTIME = "libasan.so"
OPTIONS = {
    # Python keeps what it has until it ends. Sizes that no machine has are refused as any would be.
    "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:abort_on_error=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}
TARGETS = ("decode", "lossless", "symbols")
BLOCK = 2000
VECTORS = "vectors"
Tally = Counter[tuple[str, str]]


def build(folder: Path) -> Path:
    """Compiles the kernel for this machine.

    Raises:
        subprocess.CalledProcessError: the compiler refuses, or has no sanitizers.
    """
    built = folder / library.NAME
    for name, flags in hatch_build.sources(hatch_build.TARGETS[hatch_build.here()]).items():
        source = str(hatch_build.SOURCES / f"{name}.c")
        command = [COMPILER, *FLAGS, *flags, "-c", source, "-o", str(folder / f"{name}.o")]
        subprocess.run(command, check=True)
    objects = sorted(map(str, folder.glob("*.o")))
    subprocess.run([COMPILER, "-shared", *SANITIZERS, "-o", str(built), *objects], check=True)
    return built


def runtime() -> str:
    """The library that must be there before the interpreter is."""
    command = [COMPILER, f"-print-file-name={RUNTIME}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@dataclass
class Watched:
    """Decodes with each instruction set of a kernel.

    Attributes:
        engines: one for each set.
    """

    engines: list[KernelEngine]

    @classmethod
    def of_kernel(cls, path: Path) -> Watched:
        library.PATH = path
        return cls([KernelEngine(level, 1) for level in library.levels()])

    def use(self, number: int) -> None:
        """Takes one of the engines from now on, by turns."""
        engine = self.engines[number % len(self.engines)]
        for module in (decoder, learned, lossless):
            module.chosen = lambda: engine

    def vectors(self) -> Tally:
        """All vectors with all engines.

        Raises:
            AssertionError: a picture is another.
        """
        tally: Tally = Counter()
        for number in range(len(self.engines)):
            self.use(number)
            for vector in all_vectors():
                try:
                    pixels = decoder.restore(open_file(vector.path.read_bytes())).pixels
                except Exception as error:
                    outcome = type(error).__name__
                else:
                    outcome = "decoded"
                    assert pixels_sha256(pixels) == vector.pixels_sha256, vector.id
                assert outcome == (vector.error or "decoded"), (vector.id, outcome)
                tally[VECTORS, outcome] += 1
        return tally


def work(kernel: Path, seed: int, first: int, last: int, place: Path) -> Tally:
    """What the watched process does; `place` always names the input that it is at."""
    fuzzer, watched = Fuzzer(seed), Watched.of_kernel(kernel)
    if not first:
        return watched.vectors()
    tally: Tally = Counter()
    for number in range(first - 1, last - 1):
        place.write_text(str(number))
        target, turn = turn_of(number)
        watched.use(turn)
        tally[target, fuzzer.feed(target, fuzzer.make(target, turn))] += 1
    return tally


def turn_of(number: int) -> tuple[str, int]:
    """The target of an input, and which of its inputs it is."""
    return TARGETS[number % len(TARGETS)], number // len(TARGETS)


def read(path: Path) -> Tally:
    """A table; empty if there is none."""
    if not path.exists():
        return Counter()
    rows = [line.split("\t") for line in path.read_text().splitlines()[1:]]
    return Counter({(target, outcome): int(count) for target, outcome, count in rows})


def write(path: Path, tally: Tally) -> None:
    """Inverse of `read`."""
    rows = [f"{target}\t{outcome}\t{count}\n" for (target, outcome), count in sorted(tally.items())]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(["target\toutcome\tinputs\n", *rows]), encoding="utf-8")


def done(tally: Tally) -> int:
    """How many inputs of the fuzzer a table counts."""
    return sum(count for (target, _), count in tally.items() if target != VECTORS)


def watch(args: argparse.Namespace, folder: Path) -> int:
    """Runs blocks in watched processes until all inputs are done; 1 if there is a finding."""
    kernel, place, part = build(folder), folder / "place", folder / "part.tsv"
    environment = {**os.environ, **OPTIONS, "LD_PRELOAD": runtime()}
    tally, began = read(args.out), time.monotonic()
    while (first := done(tally)) < args.inputs and time.monotonic() - began < args.seconds:
        # Block 0 is the vectors; inputs count from 1.
        numbers = (first + 1, min(first + args.block, args.inputs) + 1) if tally else (0, 0)
        command = [sys.executable, "-m", "scripts", "conform.sanitize", "--kernel", str(kernel)]
        command += ["--numbers", *map(str, numbers), "--place", str(place), "--out", str(part)]
        if subprocess.run([*command, "--seed", str(args.seed)], env=environment).returncode:
            save(Fuzzer(args.seed), place)
            return 1
        tally += read(part)
        write(args.out, tally)
        print(f"{done(tally)} of {args.inputs} inputs, 0 findings", flush=True)
    return 0


def save(fuzzer: Fuzzer, place: Path) -> None:
    """Keeps the input that a finding is in."""
    if not place.exists():
        print("a vector, or the start, is in the finding", file=sys.stderr)
        return
    path = fuzzer.keep(*turn_of(int(place.read_text())))
    print(f"finding: {path.name}", file=sys.stderr)


def main() -> int:
    """Returns the exit status: 1 if there is a finding."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=1000, metavar="N")
    parser.add_argument("--seconds", type=float, default=float("inf"), metavar="S")
    parser.add_argument("--block", type=int, default=BLOCK, metavar="N", help="of one process")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.tsv")
    watched = parser.add_argument_group("in the watched process")
    watched.add_argument("--kernel", type=Path)
    watched.add_argument("--numbers", type=int, nargs=2)
    watched.add_argument("--place", type=Path)
    args = parser.parse_args()
    if args.kernel:
        write(args.out, work(args.kernel, args.seed, *args.numbers, args.place))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        return watch(args, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
