"""Lossless formats on ten pictures of more than 8 bits a sample.

    python -m scripts measure.deep_lossless --images DIR --out results/0.1.0/deep-lossless.tsv

DIR has the training pictures, of which `scripts.measure.deep_pictures` makes them.  PNG of 16 bits
(filters for each row, zlib 9), JPEG XL if `imagecodecs` is there, ours without and with the update.
JPEG XL gets greys as such, and what has fewer bits once with those and once with 16: the smaller
file counts.  Every file is decoded and compared.  Fills the table of docs/lossless.md; columns are
as in `measure.lossless`, but that figures are of samples, so infinite, and the quality is 100.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

import codec
from codec.picture import deep_files, reading, scaling, writing
from codec.picture.formats import PNG
from codec.picture.metadata import NO_METADATA
from codec.picture.notes import Notes
from codec.picture.scaling import Deep
from codec.research.evaluate import mean
from codec.research.tables import Row, RowColumns, TableError
from scripts.measure.deep_pictures import deep_pictures
from scripts.measure.experiment import DOCS, Experiment, markdown
from scripts.measure.lossless import EFFORTS, MismatchError

PNG_LEVEL = 9
JXL_EFFORTS = (7, 9)


@dataclass(frozen=True)
class DeepFormat:
    """A format at one setting: samples -> file and bytes of an update, and back."""

    codec: str
    effort: str
    write: Callable[[Deep], tuple[bytes, int]]
    read: Callable[[bytes, Deep], Deep]
    version: str


def png() -> DeepFormat:
    """PNG of 16 bits."""

    def write(samples: Deep) -> tuple[bytes, int]:
        beside = writing.save(np.zeros((1, 1, 3), np.uint8), NO_METADATA, PNG, Notes())
        return deep_files.png(samples, beside, PNG_LEVEL), 0

    def read(data: bytes, samples: Deep) -> Deep:
        found = reading.read_raster(BytesIO(data)).deep
        assert found is not None
        return found

    return DeepFormat("png", "optimized", write, read, codec.__version__)


def jxl(effort: int, library: Any) -> DeepFormat:
    """JPEG XL by imagecodecs."""

    def write(samples: Deep) -> tuple[bytes, int]:
        scale, values = scaling.found_in(samples)
        tried = [(samples, 16), (values, scale.depth)]
        options = {"lossless": True, "effort": effort, "numthreads": 1}
        found = [
            library.jpegxl_encode(_planes(each), bitspersample=bits, **options)
            for each, bits in tried
        ]
        return min(found, key=len), 0

    def read(data: bytes, samples: Deep) -> Deep:
        """The samples, if the file has these or the values that stand for them."""
        found = library.jpegxl_decode(data, numthreads=1)
        _, values = scaling.found_in(samples)
        is_values = np.array_equal(found, _planes(values))
        return samples if is_values else found.reshape(*samples.shape[:2], -1) + 0 * samples

    version = f"imagecodecs {library.__version__}"
    return DeepFormat("jxl", str(effort), write, read, version)


def ours(effort: int) -> DeepFormat:
    """Ours at an effort."""

    def write(samples: Deep) -> tuple[bytes, int]:
        options = codec.EncodeOptions(codec.Lossless(), effort=effort, verify=False)
        result = codec.encode(samples, options)
        return result.data, result.report.update_bytes

    def read(data: bytes, samples: Deep) -> Deep:
        return codec.decode(data)

    return DeepFormat("nncodec", str(effort), write, read, codec.__version__)


def _planes(samples: Deep) -> Deep:
    """Greys as one plane."""
    is_grey = bool((samples == samples[..., :1]).all())
    return np.ascontiguousarray(samples[..., 0] if is_grey else samples)


def formats() -> Iterator[DeepFormat]:
    """All that are here."""
    yield png()
    if importlib.util.find_spec("imagecodecs"):
        library = importlib.import_module("imagecodecs")
        yield from (jxl(effort, library) for effort in JXL_EFFORTS)
    yield from map(ours, EFFORTS)


def measure(name: str, samples: Deep, form: DeepFormat) -> Row:
    """Writes, reads and compares."""
    height, width, _ = samples.shape
    start = time.process_time()
    data, update_bytes = form.write(samples)
    written = time.process_time()
    decoded = form.read(data, samples)
    read = time.process_time()
    if not np.array_equal(decoded, samples):
        raise MismatchError(f"{name}: {form.codec} at effort {form.effort} gives another picture")
    own = {field.name for field in fields(RowColumns)}
    rest = {field.name: math.nan for field in fields(Row) if field.name not in own}
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
        **rest | {"psnr_db": math.inf},
    )


def deep_tables(rows: list[Row]) -> dict[str, str]:
    """Rates of each picture, and means."""
    keys = list(dict.fromkeys((row.codec, row.effort) for row in rows))
    names = list(dict.fromkeys(row.image for row in rows))
    found = {(row.image, row.codec, row.effort): row for row in rows}
    cells = [
        [name, *(f"{found[name, *key].bpp:.3f}" for key in keys)]
        for name in names
        if all((name, *key) in found for key in keys)
    ]
    of_key = [[row for row in rows if (row.codec, row.effort) == key] for key in keys]
    for title, column, digits in (
        ("mean", "bpp", 3),
        ("encode (s)", "enc_s", 1),
        ("decode (s)", "dec_s", 1),
    ):
        cells.append([title, *(f"{mean(mine, column):.{digits}f}" for mine in of_key)])
    return {"lossless-deep": markdown(["bpp", *(" ".join(key) for key in keys)], cells)}


EXPERIMENT = Experiment(Row, "deep-lossless.tsv", DOCS / "lossless.md", deep_tables)


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=Path, required=True, help="the training pictures")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    try:
        rows = EXPERIMENT.open(args.out)
        for name, samples in deep_pictures(args.images):
            for form in formats():
                if rows.lack(image=name, codec=form.codec, effort=form.effort):
                    rows.add([measure(name, samples, form)])
        rows.fill()
    except (MismatchError, TableError, OSError) as error:
        print(f"deep_lossless: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # the rows measured so far are in the table
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
