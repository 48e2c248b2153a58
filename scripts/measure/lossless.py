"""Lossless formats on a folder of pictures, in one run.

PNG, WebP, JPEG XL if its plugin is there, and ours without and with the update.

    python -m scripts measure.lossless --images kodak --out results/0.1.0/kodak-lossless.tsv

Every file is decoded and compared.  Rows that are in the table already are kept, so the command
carries on from where it was stopped.  The columns are those of results/README.md; the quality is
100, the effort that of the format, and seconds are those of the processor: what else a machine
does is not counted.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import io
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image, features

import codec
from scripts.measure.evaluate import list_images
from scripts.measure.tables import Row, TableError, append_typed, read_rows

Pixels = NDArray[np.uint8]
EFFORTS = (0, 1)
"""Of ours: without the update, and with it."""


class MismatchError(Exception):
    """A file that does not decode to its picture."""


@dataclass(frozen=True)
class Format:
    """A lossless format at one setting: pixels -> file and bytes of an update, and back."""

    codec: str
    effort: str
    write: Callable[[Pixels], tuple[bytes, int]]
    read: Callable[[bytes], Pixels]
    version: str


def by_pillow(name: str, label: str, version: str, **options: Any) -> Format:
    """A format that Pillow writes."""

    def write(pixels: Pixels) -> tuple[bytes, int]:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, name, **options)
        return file.getvalue(), 0

    def read(data: bytes) -> Pixels:
        return np.array(Image.open(io.BytesIO(data)).convert("RGB"))

    return Format(name.lower(), label, write, read, version)


def ours(effort: int) -> Format:
    """Ours at an effort."""

    def write(pixels: Pixels) -> tuple[bytes, int]:
        options = codec.EncodeOptions(codec.Lossless(), effort=effort, verify=False)
        result = codec.encode(pixels, options)
        return result.data, result.report.update_bytes

    return Format("nncodec", str(effort), write, codec.decode, codec.__version__)


def formats() -> Iterator[Format]:
    """All that are here."""
    yield by_pillow("PNG", "optimized", f"Pillow {PIL.__version__}", optimize=True)
    version = features.version("webp")
    yield by_pillow("WEBP", "6", version, lossless=True, quality=100, method=6)
    if importlib.util.find_spec("pillow_jxl"):
        import pillow_jxl  # noqa: F401  (registers the format)

        version = f"plugin {importlib.metadata.version('pillow-jxl-plugin')}"
        for effort in (7, 9):
            yield by_pillow("JXL", str(effort), version, lossless=True, effort=effort)
    yield from map(ours, EFFORTS)


def measure(name: str, pixels: Pixels, form: Format) -> Row:
    """Writes, reads and compares."""
    height, width, _ = pixels.shape
    start = time.process_time()
    data, update_bytes = form.write(pixels)
    written = time.process_time()
    decoded = form.read(data)
    read = time.process_time()
    if not np.array_equal(decoded, pixels):
        raise MismatchError(f"{name}: {form.codec} at effort {form.effort} gives another picture")
    return Row(
        name,
        width,
        height,
        form.codec,
        form.effort,
        100.0,
        len(data),
        8 * len(data) / (width * height),
        float("inf"),
        1.0,
        written - start,
        read - written,
        update_bytes,
        form.version,
    )


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="TABLE.tsv")
    parser.add_argument("--codecs", nargs="+", metavar="NAME", help="measure only these")
    args = parser.parse_args()
    try:
        done = {row.key for row in read_rows(args.out)} if args.out.exists() else set()
        for path in list_images(args.images):
            pixels = np.array(Image.open(path).convert("RGB"))
            for form in formats():
                wanted = not args.codecs or form.codec in args.codecs
                if wanted and (path.stem, form.codec, form.effort, 100.0) not in done:
                    row = measure(path.stem, pixels, form)
                    append_typed(args.out, row)
                    print(f"{row.image} {row.codec} {row.effort}: {row.bpp:.4f} bpp", flush=True)
    except (MismatchError, TableError, OSError, ValueError) as error:
        print(f"benchmark_lossless: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # the rows measured so far are in the table
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
