r"""Measures a codec on a folder of PNG images: one row per image and quality in a TSV file.

    nncodec research evaluate --images kodak --codec jpeg --qualities 5,10,20,30,50,70,80,90 \
        --out kodak-jpeg.tsv

prints the means over the images; at quality 50 on Kodak: 0.865 bpp, 32.17 dB.  A codec of your own
is a command, `--codec 'mine=program -q {q} {in} {out}'`; if its files are neither nncodec's nor
Pillow's, `--decoder 'program -d {in} {out}'` writes PNG.

Sizes are those of files on disk, distortions those of the 8-bit pixels decoded from them.  A row is
written as soon as it is measured and never measured twice: the same command carries on from where
it was stopped.  results/README.md defines the columns.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from codec.contract import techniques
from codec.contract.contents import CONTENTS, LEARNED
from codec.contract.options import TUNES, EncodeOptions
from codec.research.arguments import experiment_parser, list_images, numbers
from codec.research.codecs import (
    BASELINE_NAMES,
    CodedImage,
    Coder,
    CoderError,
    NncodecCoder,
    Pixels,
    baseline,
)
from codec.research.metrics import MEASURED
from codec.research.programs import program as program_coder
from codec.research.tables import Row, TableError, append_row, read_rows

DEFAULT_EFFORT = EncodeOptions.effort
KNOWN = ("nncodec", *BASELINE_NAMES)


def main(arguments: Sequence[str] | None = None, program: str | None = None) -> int:
    """Runs the command on its arguments, those of the process by default; the exit status."""
    parser = argument_parser()
    parser.prog = program or parser.prog
    args = parser.parse_args(arguments)
    defaults = {"effort": None, "update": None, "content": LEARNED, "tune": TUNES[0]}
    ours = any(getattr(args, name) != value for name, value in defaults.items())
    if args.codec != "nncodec" and ours:
        parser.error(
            f"--effort, --update, --content and --tune belong to nncodec, not to {args.codec}"
        )
    if "=" not in args.codec and args.codec not in KNOWN:
        parser.error(f"--codec is one of {', '.join(KNOWN)}, or NAME=COMMAND")
    if args.decoder and "=" not in args.codec:
        parser.error(f"--decoder belongs to a command, not to {args.codec}")
    try:
        paths = list_images(args.images, args.every)
        rows = evaluate(paths, make_coder(args), args.qualities, args.out)
    except (CoderError, TableError, ImportError, OSError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # the rows measured so far are in the file
        return 130
    print_means(rows)
    return 0


def argument_parser() -> argparse.ArgumentParser:
    """The options of the command."""
    parser = experiment_parser(__doc__)
    parser.add_argument(
        "--codec",
        required=True,
        metavar="NAME[=COMMAND]",
        help=f"one of {', '.join(KNOWN)}, or a name and a command with {{in}} {{out}} {{q}}",
    )
    parser.add_argument(
        "--decoder", default="", metavar="COMMAND", help="with {in} {out}: decodes to PNG"
    )
    parser.add_argument("--qualities", type=numbers, required=True, metavar="Q,Q,...")
    parser.add_argument(
        "--effort", type=int, metavar="N", help=f"nncodec only (default: {DEFAULT_EFFORT})"
    )
    parser.add_argument(
        "--content",
        choices=CONTENTS,
        default=LEARNED,
        help="nncodec only: standard files that carry an update (default: learned)",
    )
    parser.add_argument("--tune", choices=TUNES, default=TUNES[0], help="nncodec only")
    parser.add_argument(
        "--update",
        choices=techniques.names(),
        metavar="NAME",
        help=f"nncodec only: technique of weight updates (default: {techniques.DEFAULT})",
    )
    parser.add_argument(
        "--no-update",
        dest="update",
        action="store_const",
        const=techniques.NONE,
        help="the same as none",
    )
    return parser


def make_coder(args: argparse.Namespace) -> Coder:
    """The codec that the arguments name.  Raises CoderError if there is none."""
    if "=" in args.codec:
        return program_coder(args.codec, args.decoder)
    if args.codec != "nncodec":
        return baseline(args.codec)
    effort = DEFAULT_EFFORT if args.effort is None else args.effort
    return NncodecCoder(effort, args.update or techniques.DEFAULT, args.content, args.tune)


def evaluate(paths: list[Path], coder: Coder, qualities: tuple[float, ...], out: Path) -> list[Row]:
    """Measures what `out` lacks; returns the rows of this call's images and settings."""
    done = {row.key: row for row in read_rows(out)} if out.exists() else {}
    out.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    for path in paths:
        for quality in qualities:
            key = (path.stem, coder.name, coder.effort, quality)
            if key not in done:
                done[key] = row_of(path, coder, quality)
                append_row(out, done[key])
                print(line_of(done[key]), file=sys.stderr)
            rows.append(done[key])
    return rows


def row_of(path: Path, coder: Coder, quality: float) -> Row:
    """Encodes, and measures the file."""
    pixels = load_image(path)
    start = time.perf_counter()
    encoded = coder.encode(pixels, quality)
    return measured(path.stem, pixels, coder, quality, encoded, time.perf_counter() - start)


def load_image(path: Path) -> Pixels:
    """The pixels of an image."""
    return np.array(Image.open(path).convert("RGB"))


def measured(
    name: str, pixels: Pixels, coder: Coder, quality: float, encoded: CodedImage, enc_s: float
) -> Row:
    """Writes a file, decodes that file, compares."""
    height, width, _ = pixels.shape
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "coded")
        file.write_bytes(encoded.data)
        data = file.read_bytes()
        size = file.stat().st_size
    read_at = time.perf_counter()
    decoded = coder.decode(data)
    decoded_at = time.perf_counter()
    if decoded.shape != pixels.shape or decoded.dtype != np.uint8:
        raise CoderError(f"{name}: decoded to {decoded.dtype} {list(decoded.shape)}")
    figures = {name: metric.measure(decoded, pixels) for name, metric in MEASURED.items()}
    return Row(
        image=name,
        width=width,
        height=height,
        codec=coder.name,
        effort=coder.effort,
        quality=quality,
        bytes=size,
        bpp=8 * size / (width * height),
        enc_s=enc_s,
        dec_s=decoded_at - read_at,
        update_bytes=encoded.update_bytes,
        version=coder.version,
        prior_bytes=encoded.prior_bytes,
        **{name: math.nan if figure is None else figure for name, figure in figures.items()},
    )


def line_of(row: Row) -> str:
    """A row as a line of text."""
    figures = (f"{metric.label} {metric.text(getattr(row, n))}" for n, metric in MEASURED.items())
    return (
        f"{row.image}  {row.codec}  q{row.quality:g}  {row.bpp:.4f} bpp  {'  '.join(figures)}  "
        f"enc {row.enc_s:.2f} s  dec {row.dec_s:.2f} s"
    )


def mean(rows: Iterable[Row], name: str) -> float:
    """Of a column."""
    return statistics.mean(getattr(row, name) for row in rows)


def print_means(rows: list[Row]) -> None:
    """One line per quality, means over the images."""
    decimals = {"bpp": 4, **{name: metric.decimals + 1 for name, metric in MEASURED.items()}}
    decimals |= {"enc_s": 3, "dec_s": 3, "update_bytes": 1}
    print("quality", *(f"{name:>12}" for name in decimals))
    for quality in sorted({row.quality for row in rows}):
        chosen = [row for row in rows if row.quality == quality]
        cells = (f"{mean(chosen, name):12.{places}f}" for name, places in decimals.items())
        print(f"{quality:7g}", *cells)


if __name__ == "__main__":
    sys.exit(main())
