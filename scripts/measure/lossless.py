"""Lossless formats on a folder of pictures, in one run.

PNG, WebP, JPEG XL if its plugin is there, and ours without and with the update.

    python -m scripts measure.lossless --images kodak --out results/0.1.0/kodak-lossless.tsv

Every file is decoded and compared.  Fills the table of docs/lossless.md that has the name of the
file.  The columns are those of results/README.md; the quality is 100, the effort that of the
format, and seconds are those of the processor: what else a machine does is not counted.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import io
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image, features

import codec
from codec.picture import metrics
from codec.research.arguments import experiment_parser, list_images
from codec.research.evaluate import mean
from codec.research.tables import Row, TableError
from scripts.measure.experiment import DOCS, Experiment, markdown

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
    same = metrics.measure(pixels, decoded)
    return Row(
        name,
        width,
        height,
        form.codec,
        form.effort,
        100.0,
        len(data),
        8 * len(data) / (width * height),
        written - start,
        read - written,
        update_bytes,
        form.version,
        **{name: math.nan if found is None else found for name, found in same.items()},
    )


def formats_table(rows: list[Row]) -> str:
    """Means of every format over the pictures that all of them have."""
    keys = list(dict.fromkeys((row.codec, row.effort) for row in rows))
    shared = set.intersection(
        *({row.image for row in rows if (row.codec, row.effort) == key} for key in keys)
    )
    cells = []
    for key in keys:
        mine = [row for row in rows if (row.codec, row.effort) == key and row.image in shared]
        figures = (f"{mean(mine, 'bpp'):.3f}", f"{mean(mine, 'update_bytes'):.0f}")
        seconds = (f"{mean(mine, name):.1f}" for name in ("enc_s", "dec_s"))
        cells.append([" ".join(key), *figures, *seconds, str(len(mine)), mine[0].version])
    times = ["encode (s)", "decode (s)"]
    heads = ["format, effort", "bpp", "update (B)", *times, "pictures", "version"]
    return markdown(heads, cells)


def experiment(images: str) -> Experiment[Row]:
    """That of a set of pictures."""
    return Experiment(
        Row,
        f"{images}-lossless.tsv",
        DOCS / "lossless.md",
        lambda rows: {f"lossless-{images}": formats_table(rows)},
    )


EXPERIMENTS = tuple(map(experiment, ("kodak", "cid22_val", "out_of_domain")))


def main() -> int:
    """Returns the exit status."""
    parser = experiment_parser(__doc__)
    parser.add_argument("--codecs", nargs="+", metavar="NAME", help="measure only these")
    args = parser.parse_args()
    known = {found.file: found for found in EXPERIMENTS}
    try:
        rows = known.get(args.out.name, Experiment(Row, args.out.name)).open(args.out)
        for path in list_images(args.images, args.every):
            pixels = np.array(Image.open(path).convert("RGB"))
            for form in formats():
                wanted = not args.codecs or form.codec in args.codecs
                if wanted and rows.lack(image=path.stem, codec=form.codec, effort=form.effort):
                    rows.add([measure(path.stem, pixels, form)])
        rows.fill()
    except (MismatchError, TableError, OSError, ValueError) as error:
        print(f"lossless: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # the rows measured so far are in the table
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
