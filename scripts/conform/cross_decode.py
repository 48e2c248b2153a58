"""Decodes the conformance vectors of every format version, with this and with other releases.

    python -m scripts conform.cross_decode
    python -m scripts conform.cross_decode --python old/bin/python --python new/bin/python

prints for each release and format version how many vectors came out as their manifest says; exits
with 1 if one did not.  A --python is that of an environment in which a release is installed.  A
release is not asked for formats that are newer than itself.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from bitstream import FORMAT_VERSION, FormatError
from codec import __version__, decode
from codec.models.released import MODELS_VARIABLE
from scripts.conform.vectors import MODELS, Vector, format_versions, pixels_sha256, read_vectors

ROOT = Path(__file__).parents[2]
AFTER_OTHERS = """
import runpy, sys
sys.path.append({root!r})
runpy.run_module({module!r}, run_name="__main__")
"""


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", type=Path, action="append", default=[], metavar="PATH")
    args = parser.parse_args()
    statuses = [decode_here()] + [decode_with(python) for python in args.python]
    return max(statuses)


def decode_here() -> int:
    """Decodes with the release that this interpreter finds; 1 if a vector came out wrong."""
    os.environ[MODELS_VARIABLE] = str(MODELS)
    wrong = []
    for folder in format_versions():
        if int(folder.name[1:]) > FORMAT_VERSION:
            continue
        vectors = read_vectors(folder)
        found = [(vector, complaint) for vector in vectors if (complaint := complain(vector))]
        equal = len(vectors) - len(found)
        print(f"nncodec {__version__}  format {folder.name}  {equal} of {len(vectors)} as expected")
        wrong += found
    for vector, complaint in wrong:
        print(f"  {vector.id}: {complaint}")
    return int(bool(wrong))


def complain(vector: Vector) -> str:
    """What is wrong with the outcome of a vector, nothing if it is as expected."""
    try:
        pixels = decode(vector.path.read_bytes())
    except FormatError as error:
        kind = type(error).__name__
        return "" if kind == vector.error else f"{kind}: {error}"
    if vector.error:
        return f"decodes, instead of being refused as {vector.error}"
    return "" if pixels_sha256(pixels) == vector.pixels_sha256 else "other pixels"


def decode_with(python: Path) -> int:
    """The same in another environment, whose codec comes before that of this checkout."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    code = AFTER_OTHERS.format(root=str(ROOT), module="scripts.conform.cross_decode")
    command = [python, "-P", "-c", code]
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
