"""Checks that standard readers show the same picture whether or not a file carries an update.

    python -m scripts conform.readers [--available] [FILE ...]

decodes every FILE (JPEG, WebP, AVIF) without and with a payload: its own, or random bytes if it has
none.  Without a FILE it makes small ones of many kinds.  The readers are the decoders of
libjpeg-turbo, libwebp and libavif, and Chromium, which draws both files to canvases.  In Debian
they are the packages libjpeg-turbo-progs, webp, libavif-bin and chromium.

Prints a line for each file and reader, and exits with 1 if a picture differs, a reader fails, or a
reader is not installed; with --available, readers that are not installed are left out.
"""

from __future__ import annotations

import argparse
import base64
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bitstream import FormatError
from bitstream.carriers import Carrier, carrier_of
from scripts.conform.standard_files import examples

PAYLOAD_BYTES = 777
TIME_LIMIT_S = 120
IDENTICAL = "identical"
NOT_INSTALLED = "not installed"

CHROMIUM = (
    "chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()

PAGE = """<!DOCTYPE html>
<img src="data:image/{kind};base64,{plain}"><img src="data:image/{kind};base64,{enhanced}">
<output></output>
<script>
onload = () => {{
  const pixels = [...document.images].map((image) => {{
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, canvas.width, canvas.height);
  }});
  const [plain, enhanced] = pixels;
  const same = plain.width === enhanced.width && plain.height === enhanced.height
    && plain.data.every((value, index) => value === enhanced.data[index]);
  document.querySelector("output").textContent = same ? "identical" : "DIFFERENT";
}};
</script>
"""
"""`onload` waits for the pictures, and --dump-dom for `onload`."""


class ReaderError(Exception):
    """A reader does not decode a file."""


@dataclass(frozen=True)
class Pair:
    """A file without and with a payload, on disk."""

    carrier: Carrier
    plain: Path
    enhanced: Path


@dataclass(frozen=True)
class Reader:
    """A program that decodes the formats named by `reads`.

    `compare` says `IDENTICAL` or something else, and may raise ReaderError.
    """

    program: str
    reads: tuple[str, ...]
    compare: Callable[[Pair], str]

    def verdict(self, pair: Pair) -> str:
        """What the reader makes of both files."""
        if not shutil.which(self.program):
            return NOT_INSTALLED
        try:
            return self.compare(pair)
        except ReaderError as error:
            return f"FAILS: {error}"


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", type=Path, nargs="*", metavar="FILE")
    parser.add_argument("--available", action="store_true", help="leave out what is not installed")
    args = parser.parse_args()
    accepted = {IDENTICAL, NOT_INSTALLED} if args.available else {IDENTICAL}
    verdicts: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            for pair in pairs(args.files, Path(folder)):
                for reader in (found for found in READERS if pair.carrier.NAME in found.reads):
                    verdict = reader.verdict(pair)
                    print(f"{pair.plain.name}\t{reader.program}\t{verdict}", flush=True)
                    verdicts.append(verdict)
        except (FormatError, OSError) as error:
            parser.exit(1, f"{parser.prog}: {error}\n")
    print(f"{verdicts.count(IDENTICAL)} of {len(verdicts)} comparisons identical")
    return int(not accepted.issuperset(verdicts))


def pairs(paths: list[Path], folder: Path) -> Iterator[Pair]:
    """Both versions of every file, written to the folder."""
    files = [(path.name, path.read_bytes()) for path in paths] or examples().items()
    rng = random.Random(0)  # noqa: S311 - not for secrets
    for number, (name, data) in enumerate(files):
        carrier = carrier_of(data)
        if carrier is None:
            raise FormatError(f"{name}: not a JPEG, WebP or AVIF file")
        payload = carrier.extract(data)
        if payload is None:
            payload = rng.randbytes(PAYLOAD_BYTES)
        pair = Pair(carrier, folder / f"{number}-plain" / name, folder / f"{number}-with" / name)
        for path in (pair.plain, pair.enhanced):
            path.parent.mkdir()
        pair.plain.write_bytes(carrier.strip(data))
        pair.enhanced.write_bytes(carrier.insert(data, payload))
        yield pair


def same_output(*command: str) -> Callable[[Pair], str]:
    """Compares what a command writes to "{out}", in whatever format, when it reads "{}"."""

    def compare(pair: Pair) -> str:
        plain, enhanced = (decoded(path) for path in (pair.plain, pair.enhanced))
        return IDENTICAL if plain == enhanced else "DIFFERENT"

    def decoded(path: Path) -> bytes:
        out = path.with_suffix(".png")
        run([part.format(path, out=out) for part in command])
        return out.read_bytes()

    return compare


def drawn_alike(pair: Pair) -> str:
    """Compares what Chromium draws."""
    plain, enhanced = (
        base64.b64encode(path.read_bytes()).decode() for path in (pair.plain, pair.enhanced)
    )
    page = pair.plain.with_suffix(".html")
    page.write_text(PAGE.format(kind=pair.carrier.NAME, plain=plain, enhanced=enhanced))
    profile = f"--user-data-dir={page.with_suffix('.profile')}"
    document = run([*CHROMIUM, profile, "--dump-dom", page.as_uri()])
    found = re.search(r"<output>(\w+)</output>", document)
    if found is None:
        raise ReaderError("draws nothing")
    return found[1]


def run(command: list[str]) -> str:
    """What a program prints; raises ReaderError where it fails."""
    try:
        finished = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=TIME_LIMIT_S
        )
    except subprocess.TimeoutExpired:
        raise ReaderError(f"takes longer than {TIME_LIMIT_S} s") from None
    except subprocess.CalledProcessError as error:
        lines = (error.stderr + error.stdout).strip().splitlines()
        raise ReaderError(lines[-1] if lines else f"status {error.returncode}") from None
    return finished.stdout


READERS = (
    Reader("djpeg", ("jpeg",), same_output("djpeg", "-pnm", "-outfile", "{out}", "{}")),
    Reader("dwebp", ("webp",), same_output("dwebp", "-quiet", "{}", "-o", "{out}")),
    Reader("avifdec", ("avif",), same_output("avifdec", "--jobs", "1", "{}", "{out}")),
    Reader("chromium", ("jpeg", "webp", "avif"), drawn_alike),
)


if __name__ == "__main__":
    sys.exit(main())
