"""Measures how long files take to decode: in new processes, in running ones, and by other programs.

    python -m scripts measure.decode --picture kodim23.png --out results/0.1.0/decode.tsv

makes files of a picture and of 12 megapixels of it, and decodes them: "cold" to a PNG file, by a
process of its own, as `nncodec decode` is run, with bytecode as an installation has it; "warm" to
an array, by `codec.decode` in a process that has decoded before.  Beside them stand torch's engine,
and dwebp, djxl and avifdec with files of the same picture, if they are installed (Debian: webp,
libjxl-tools, libavif-bin).  Rows are the best of several runs; the machine should have nothing else
to do.  It takes some five minutes.

What a cold decode imports goes to decode-imports.tsv beside it, by packages, as
`python -X importtime` counts it.  Both make the tables of docs/install.md.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

import codec
from codec.picture.writing import save_png
from codec.research.arguments import experiment_parser
from codec.research.tables import column
from scripts.measure.experiment import DOCS, Experiment, Rows, markdown
from scripts.measure.processes import Figures, Imports, cold, environment, imports, warm

RUNS, FEW_RUNS = 7, 2
COLD, WARM = "cold", "warm"
LEARNED, LOSSLESS, ENHANCED = "learned", "lossless", "enhanced JPEG"
LARGE, LARGE_PX = "learned, 12 megapixels", (4000, 3000)
CASES = (
    *((name, "kernel", COLD, 0) for name in (LEARNED, LOSSLESS, ENHANCED, LARGE)),
    *((name, "kernel", WARM, threads) for name in (LEARNED, LOSSLESS) for threads in (1, 2)),
    *((name, "torch", COLD, 0) for name in (LEARNED, LOSSLESS)),
    *((name, "torch", WARM, threads) for name in (LEARNED, LOSSLESS) for threads in (1, 2)),
)
"""What is decoded by which engine, from which start, on how many threads: 0 is its own choice."""
BYTECODE = "bytecode"
IMPORTS = "decode-imports.tsv"
DECODE = [sys.executable, "-m", "codec", "decode", "--quiet", "--force"]


@dataclass(frozen=True)
class Decoding:
    """One file and one way to decode it.

    Attributes:
        file: what it is.
        width: of the picture.
        height: likewise.
        bytes: of the file.
        decoder: "kernel" or "torch", or another program.
        start: "cold" or "warm".
        threads: how many; 0 for as many as the program takes by itself.
        wall_s: seconds of a clock, the least of all runs.
        cpu_s: seconds of processors, of that run.
        peak_mb: largest resident memory.
        runs: how many.
    """

    file: str
    width: int
    height: int
    bytes: int
    decoder: str
    start: str
    threads: int
    wall_s: float = column(".3f")
    cpu_s: float = column(".3f")
    peak_mb: float = column(".0f")
    runs: int


@dataclass(frozen=True)
class Sample:
    """A file to decode.

    Attributes:
        name: what it is.
        path: where it is.
        size: width and height.
    """

    name: str
    path: Path
    size: tuple[int, int]

    def row(self, decoder: str, start: str, threads: int, found: Figures, runs: int) -> Decoding:
        """A row about it."""
        facts = (self.name, *self.size, self.path.stat().st_size)
        return Decoding(*facts, decoder, start, threads, *found, runs)


def own_rows(samples: Mapping[str, Sample], rows: Rows[Decoding], folder: Path) -> None:
    """This codec's."""
    for name, engine, start, threads in CASES:
        sample = samples[name]
        if not rows.lack(file=name, decoder=engine, start=start, threads=threads):
            continue
        runs = FEW_RUNS if name == LARGE or engine == "torch" else RUNS
        kept = environment(folder / BYTECODE, engine, threads)
        if start == WARM:
            found = warm(sample.path, kept, runs)
        else:
            found = cold([*DECODE, str(sample.path), str(folder / "own.png")], kept, runs)
        rows.add([sample.row(engine, start, threads, found, runs)])


def made(picture: Path, folder: Path) -> dict[str, Sample]:
    """The files of this codec, by what they are."""
    pixels = np.asarray(Image.open(picture).convert("RGB"))
    height, width, _ = pixels.shape
    beyond = [
        (0, max(0, most - side)) for most, side in ((LARGE_PX[1], height), (LARGE_PX[0], width))
    ]
    large = np.pad(pixels, [*beyond, (0, 0)], "symmetric")[: LARGE_PX[1], : LARGE_PX[0]]
    jpeg = folder / "plain.jpg"
    Image.fromarray(pixels).save(jpeg, quality=75)
    lossless = codec.EncodeOptions(codec.Lossless(), effort=0)
    results = {
        LEARNED: codec.encode(pixels, codec.EncodeOptions(codec.Lossy(50), effort=1)),
        LOSSLESS: codec.encode(pixels, lossless),
        ENHANCED: codec.enhance(pixels, jpeg, codec.EncodeOptions(effort=1)),
        LARGE: codec.encode(large, codec.EncodeOptions(codec.Lossy(50), effort=0, verify=False)),
    }
    samples = {}
    for name, result in results.items():
        path = folder / f"{name}.bin"
        path.write_bytes(result.data)
        samples[name] = Sample(name, path, LARGE_PX if name == LARGE else (width, height))
    return samples


def others(picture: Path, folder: Path) -> Iterator[tuple[Sample, list[str]]]:
    """Files of other codecs, and the programs that decode them, as far as they are installed."""
    image = Image.open(picture).convert("RGB")
    source, target = folder / "source.png", str(folder / "other.png")
    save_png(np.asarray(image), source)
    webp, avif, jxl = (folder / f"other.{suffix}" for suffix in ("webp", "avif", "jxl"))
    image.save(webp, quality=80)
    image.save(avif, quality=70)
    known = {
        "WebP": (webp, ["dwebp", "-quiet", str(webp), "-o", target], None),
        "AVIF": (avif, ["avifdec", str(avif), target], None),
        "JPEG XL": (
            jxl,
            ["djxl", "--quiet", str(jxl), target],
            ["cjxl", "--quiet", str(source), str(jxl)],
        ),
    }
    for name, (path, command, maker) in known.items():
        missing = [tool[0] for tool in (command, maker) if tool and shutil.which(tool[0]) is None]
        if missing:
            print(f"skipped: {name}, {' and '.join(missing)} not installed")
            continue
        if maker:
            subprocess.run(maker, check=True)
        yield Sample(name, path, image.size), command


def decode_table(rows: list[Decoding]) -> Mapping[str, str]:
    """One line per way to decode a file."""
    heads = ["file", "bytes", "decoder", "start", "threads", "wall (s)", "processor (s)", "MB"]
    cells = (
        [
            *(row.file, f"{row.bytes:,}", row.decoder, row.start, str(row.threads or "all")),
            *(f"{row.wall_s:.2f}", f"{row.cpu_s:.2f}", f"{row.peak_mb:.0f}"),
        ]
        for row in rows
    )
    return {"decode": markdown(heads, cells)}


def imports_table(rows: list[Imports]) -> Mapping[str, str]:
    """One line per package."""
    cells = ([row.package, str(row.modules), f"{row.ms:.0f}"] for row in rows)
    return {"decode-imports": markdown(["package", "modules", "ms"], cells)}


EXPERIMENTS = (
    Experiment(Decoding, "decode.tsv", DOCS / "install.md", decode_table),
    Experiment(Imports, IMPORTS, DOCS / "install.md", imports_table),
)


def main() -> None:
    parser = experiment_parser(__doc__, images=False)
    parser.add_argument("--picture", type=Path, required=True, metavar="FILE.png")
    args = parser.parse_args()
    rows = EXPERIMENTS[0].open(args.out)
    packages = EXPERIMENTS[1].open(args.out.with_name(IMPORTS))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples = made(args.picture, folder)
        own_rows(samples, rows, folder)
        for sample, command in others(args.picture, folder):
            if rows.lack(file=sample.name, decoder=command[0]):
                found = cold(command, os.environ, RUNS)
                rows.add([sample.row(command[0], COLD, 0, found, RUNS)])
        if packages.lack():
            command = [*DECODE, str(samples[LEARNED].path), str(folder / "own.png")]
            packages.add(imports(command, environment(folder / BYTECODE), RUNS))
    rows.fill()
    packages.fill()


if __name__ == "__main__":
    main()
