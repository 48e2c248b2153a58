"""`nncodec bench`: rate, quality and time on a folder of one's own pictures."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from statistics import fmean

import click

import codec
from codec.batch.results import Failed, facts
from codec.batch.sources import Source, find
from codec.batch.threads import set_threads
from codec.cli import asking, parts
from codec.cli.console import Failure, Progress, Speech, print_json, say
from codec.contract.contents import STANDARD_CONTENTS
from codec.contract.decoding import DecodeOptions
from codec.contract.modes import Lossless, Standard
from codec.contract.options import EncodeOptions
from codec.errors import FileError, blaming
from codec.opening import StandardFile, open_file
from codec.picture.formats import is_picture_name
from codec.picture.metrics import METRICS, Figures

COLUMNS = {
    "bpp": ("bpp", 7, 3),
    **{name: (metric.heading, 13, metric.decimals) for name, metric in METRICS.items()},
    "encode_s": ("encode s", 10, 2),
    "decode_s": ("decode s", 10, 2),
}
"""What each figure is called, in how many places and with how many decimals."""


@dataclass(frozen=True)
class Measured:
    """One picture; figures from the real file and its decoded pixels."""

    input: str
    width: int
    height: int
    bytes: int
    bpp: float
    figures: Figures
    encode_s: float
    decode_s: float


@click.command(
    "bench",
    short_help="Measure on a folder.",
    cls=parts.ExampleCommand,
    context_settings=parts.HELP_NAMES,
    examples=[
        ("nncodec bench photos", "Rate, quality and time of each picture."),
        ("nncodec bench -q 30 -e 0 --json photos", "Other options, for machines."),
    ],
)
@click.argument("folder", metavar="DIR", type=click.Path())
@parts.bundle(
    "wanted",
    asking.Wanted,
    asking.quality_option,
    asking.content_option,
)
@parts.bundle(
    "options",
    EncodeOptions,
    asking.effort_option,
    asking.tune_option,
    asking.device_option,
    mode=asking.UNKNOWN,
)
@parts.threads_option
@parts.speech_options
def command(
    folder: str, wanted: asking.Wanted, options: EncodeOptions, threads: int, speech: Speech
) -> None:
    """Encode and decode all pictures below DIR, one after the other; write nothing.

    Of a standard --content, the files are such files with an update in them. Times leave out
    starting the program and loading the networks.
    """
    mode = wanted.mode(standard_file=wanted.content in STANDARD_CONTENTS)
    options = replace(options, mode=mode)
    sources = list(find([folder], is_picture_name, recursive=True))
    measured: list[Measured] = []
    failed: list[Failed] = []
    talks = not speech.quiet and not speech.as_json
    set_threads(threads)
    with Progress(speech) as progress:
        for source in sources:
            result = _attempt(source, options, progress)
            progress.wipe()
            if isinstance(result, Failed):
                failed.append(result)
                continue
            if talks and not measured:
                say(_heading())
            if talks:
                say(_row(facts(result), result.input))
            measured.append(result)
    rows = [facts(row) for row in measured]
    means = {name: _mean(row[name] for row in rows) for name in COLUMNS if rows}
    if speech.as_json:
        print_json(
            {
                "images": rows,
                "mean": means,
                "failed": [asdict(failure) for failure in failed],
            }
        )
    elif talks and measured:
        say(_row(means, f"mean of {len(measured)}"))
    for failure in failed:
        Failure(failure.error).show()
    if failed:
        click.get_current_context().exit(Failure.exit_code)


def _attempt(
    source: Source | Failed, options: EncodeOptions, progress: Progress
) -> Measured | Failed:
    if isinstance(source, Failed):
        return source
    try:
        with blaming(source.name):
            return measure_one(source.name, options, progress)
    except FileError as error:
        return Failed(source.name, str(error))


def measure_one(name: str, options: EncodeOptions, progress: Progress) -> Measured:
    """Encodes and decodes a picture."""
    from codec.models import released
    from codec.picture import metrics, reading, transparency

    mode = options.mode
    assert not isinstance(mode, Lossless)  # noqa: S101 (for the type checker: no option asks for it)
    released.load_default(mode.format if isinstance(mode, Standard) else mode.family)
    pixels = reading.load_pixels(name)
    height, width, _ = pixels.shape
    start = time.perf_counter()
    result = codec.encode(pixels, options, progress)
    encoded = time.perf_counter()
    opened = open_file(result.data)
    if isinstance(opened, StandardFile) and opened.payload is None:  # as any program shows it
        restored = reading.load_pixels(BytesIO(result.data))
    else:
        restored = codec.decode(result.data, DecodeOptions(max_pixels=None))
    decoded = time.perf_counter()
    reference = transparency.continued(pixels)
    return Measured(
        name,
        width,
        height,
        len(result.data),
        result.report.bpp,
        metrics.measure(restored[..., :3], reference[..., :3]),
        encoded - start,
        decoded - encoded,
    )


def _mean(figures: Iterable[float | None]) -> float | None:
    """Over the pictures that are large enough for the metric, if there are any."""
    found = [figure for figure in figures if figure is not None]
    return fmean(found) if found else None


def _heading() -> str:
    return "".join(f"{name:>{width}}" for name, width, _ in COLUMNS.values()) + "  picture"


def _row(figures: Mapping[str, float | None], name: str) -> str:
    cells = []
    for column, (_, width, decimals) in COLUMNS.items():
        figure = figures[column]
        cells.append(f"{'–':>{width}}" if figure is None else f"{figure:{width}.{decimals}f}")
    return "".join(cells) + f"  {name}"
