r"""Measures a new environment: from `pip install` of a wheel to the first decoded picture.

    python -m scripts measure.install --wheel dist/nncodec_image-*.whl --python python3.13 \
        --out results/0.1.0/install.tsv

Each row is one version of Python. The packages come from wherever pip is set to look, so the
seconds are those of that connection; the megabytes are those of the installed files.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from codec.research.arguments import experiment_parser
from codec.research.tables import column
from scripts.measure.experiment import DOCS, Experiment, markdown

MEGABYTE = 1e6


@dataclass(frozen=True)
class Install:
    """One new environment.

    Attributes:
        python: its version.
        extra: what was asked for besides decoding; empty for nothing.
        install_s: what `pip install` of the wheel took, downloads included.
        decode_s: what the first `nncodec decode` took.
        megabytes: of the files that were installed, without pip itself.
        packages: how many distributions were installed.
    """

    python: str
    extra: str
    install_s: float = column(".1f")
    decode_s: float = column(".2f")
    megabytes: float = column(".1f")
    packages: int


def measure(python: str, wheel: Path, extra: str, coded: Path) -> Iterator[Install]:
    """Installs a wheel into a new environment, and decodes a file there."""
    with tempfile.TemporaryDirectory() as folder:
        run(python, "-m", "venv", folder)
        program = Path(folder, "bin", "python")
        before = size(folder), packages(program)
        asked = f"{wheel.resolve()}[{extra}]" if extra else str(wheel.resolve())
        start = time.perf_counter()
        run(program, "-m", "pip", "install", "-q", "--no-cache-dir", asked)
        installed = time.perf_counter()
        picture = Path(folder, "picture.png")
        run(Path(folder, "bin", "nncodec"), "decode", "--quiet", coded.resolve(), picture)
        decoded = time.perf_counter()
        yield Install(
            python=run(program, "-V").split()[1],
            extra=extra,
            install_s=installed - start,
            decode_s=decoded - installed,
            megabytes=(size(folder) - before[0]) / MEGABYTE,
            packages=packages(program) - before[1],
        )


def run(*command: str | Path) -> str:
    """Runs a program that finds no checkout of this project; what it prints."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=environment, cwd="/"
    ).stdout


def size(folder: str) -> int:
    """Bytes of all files below a folder."""
    return sum(path.lstat().st_size for path in Path(folder).rglob("*") if path.is_file())


def packages(program: Path) -> int:
    """How many distributions an environment has."""
    return len(run(program, "-m", "pip", "list", "--format=freeze").splitlines())


def tables(rows: list[Install]) -> Mapping[str, str]:
    """The table of the document."""
    heads = ["Python", "extra", "pip install (s)", "first decode (s)", "MB", "packages"]
    cells = (
        [
            *(row.python, row.extra or "–", f"{row.install_s:.0f}", f"{row.decode_s:.1f}"),
            *(f"{row.megabytes:.0f}", str(row.packages)),
        ]
        for row in sorted(rows, key=lambda row: (row.extra, row.python.split(".")))
    )
    return {"install": markdown(heads, cells)}


EXPERIMENT = Experiment(Install, "install.tsv", DOCS / "install.md", tables)


def main() -> None:
    parser: argparse.ArgumentParser = experiment_parser(__doc__, images=False)
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--python", nargs="+", required=True, metavar="PROGRAM")
    parser.add_argument("--extra", default="")
    parser.add_argument("--picture", type=Path, required=True, metavar="FILE.nni")
    args = parser.parse_args()
    rows = EXPERIMENT.open(args.out)
    for python in args.python:
        rows.add(measure(python, args.wheel, args.extra, args.picture))


if __name__ == "__main__":
    main()
