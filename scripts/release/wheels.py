r"""Builds the sdist and the wheels of all platforms, by cross compilation, and checks them.

    python -m scripts release.wheels --out dist

needs `build` and `twine`. A wheel is built of the sdist, so that what is in it suffices. The last
wheel has no kernel and suits any other platform, where torch decodes. NNCODEC_REPOSITORY, the
address of the public repository, gives the package its URLs and the README its links.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from hatch_build import KERNEL_VARIABLE, TARGET_VARIABLE, TARGETS

ROOT = Path(__file__).parents[2]
BUILD = (sys.executable, "-m", "build", "--quiet", "--outdir")


def build(out: Path) -> list[Path]:
    """Builds all of them into a folder; their paths."""
    subprocess.run([*BUILD, out, "--sdist", ROOT], check=True)
    (sdist,) = out.glob("*.tar.gz")
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(sdist) as archive:
            archive.extractall(folder, filter="data")
        (source,) = Path(folder).iterdir()
        choices = [{TARGET_VARIABLE: name} for name in TARGETS] + [{KERNEL_VARIABLE: "none"}]
        for choice in choices:
            environment = os.environ | choice
            subprocess.run([*BUILD, out, "--wheel", source], check=True, env=environment)
    return sorted(out.iterdir())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    args = parser.parse_args()
    if args.out.exists() and any(args.out.iterdir()):
        raise SystemExit(f"wheels: {args.out} is not empty")
    built = build(args.out)
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *built], check=True)
    print(*built, sep="\n")


if __name__ == "__main__":
    main()
