"""A page on one encode: pictures, errors, what the update did, bytes and convergence.

One HTML file that needs nothing else.  Its pictures come from the encoded file, decoded with and
without its update, so it shows what a decoder will show.
"""

from __future__ import annotations

from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from bitstream import Tag
from bitstream.envelope import CHECKSUM_BYTES
from codec.contract.decoding import DecodeOptions
from codec.contract.options import EFFORT_MAX, METADATA, EncodeOptions
from codec.contract.report import EncodeResult
from codec.decoding.decoder import restore
from codec.opening import CodedFile, OpenedFile, StandardFile, open_file
from codec.pages import maps
from codec.pages.report import charts
from codec.picture.metadata import TAGS
from codec.picture.metrics import METRICS, Figures, measure, texts
from codec.picture.pixels import Pixels
from codec.terminal import escaped

LABELS = {
    "target": "goal",
    "update": "update of the filter",
    "verify": "decoded and compared",
    "device": "searched on",
    "metadata": "metadata kept",
    "strict": "refuse any loss of what pictures hold",
    "max_pixels": "largest picture, in pixels",
    "truncated": "take what is left of a broken picture",
    "frame": "picture of an animation",
    "time_limit": "time limit, in seconds",
}
"""What fields of options are called, where their own names do not say it."""
NOTE_ON_COSTS = (
    "Costs as the searches estimate them, up to a constant. Update: each step is a quantiser that "
    "is tried; below zero is better than none. Refining: soft draws, which harden from step to "
    "step, stand for rounding, so the curve may rise while the file improves."
)
ANYTHING = DecodeOptions(max_pixels=None, eight_bits=True)


def render(name: str, original: Pixels, result: EncodeResult, options: EncodeOptions) -> str:
    """The page as HTML.

    Args:
        name: what the picture is called.
        original: uint8 [h w 3].
        result: of encoding it.
        options: that it was encoded with.
    """
    file = open_file(result.data)
    decoded = base = restore(file, ANYTHING).pixels[..., :3]
    if isinstance(file, CodedFile) and Tag.UPDATE in file.container.chunks:
        base = restore(file.without(Tag.UPDATE), ANYTHING).pixels[..., :3]
    found = measure(decoded, original)
    found_base = found if base is decoded else measure(base, original)
    template = Template(files(__package__).joinpath("page.html").read_text(encoding="utf-8"))
    return template.substitute(
        name=escape(escaped(name)),
        style=files(__package__).joinpath("page.css").read_text(encoding="utf-8"),
        script=files(__package__).joinpath("page.js").read_text(encoding="utf-8"),
        figures=_figures(original, result, found),
        pictures=_pictures(original, decoded, base),
        errors=_errors(original, decoded, base, found, found_base),
        update=_update(original, decoded, base, found, found_base),
        bytes=charts.byte_bar(_parts(file)),
        searches=_searches(result),
        downloads=_downloads(name, original),
        options=_options(options),
        ratio=f"{original.shape[1]} / {original.shape[0]}",
    )


def _figures(original: Pixels, result: EncodeResult, found: Figures) -> str:
    height, width, _ = original.shape
    report = result.report
    figures = {
        "size": f"{width} × {height}",
        "quality": f"{report.quality:g}",
        "file": f"{len(result.data):,} bytes",
        "rate": f"{report.bpp:.4f} bpp",
        **{METRICS[name].label: METRICS[name].text(figure) for name, figure in found.items()},
        "time": f"{report.seconds:.1f} s",
    }
    titles = {m.label: f"{m.title}; {m.better} is better" for m in METRICS.values()}
    cells = "".join(
        f'<div><dt title="{titles.get(key, "")}">{key}</dt><dd>{value}</dd></div>'
        for key, value in figures.items()
    )
    note = f'<p class="remark">{escape(report.note)}</p>' if report.note else ""
    return f"<dl>{cells}</dl>{note}"


def _pictures(original: Pixels, decoded: Pixels, base: Pixels) -> str:
    """The pictures of the comparison, where the maps join them."""
    shown = {"original": original, "decoded": decoded}
    if decoded is not base:
        shown["without update"] = base
    return "".join(_image(label, picture) for label, picture in shown.items())


def _errors(
    original: Pixels, decoded: Pixels, base: Pixels, found: Figures, found_base: Figures
) -> str:
    """Where the decoded picture differs from the original, and the one without update."""
    shown = {"errors": (decoded, found)}
    if decoded is not base:
        shown["errors without update"] = base, found_base
    return "".join(
        f"<figure>{_image(label, maps.errors(original, picture))}"
        f"<figcaption>{', '.join([label, *texts(figures)])}</figcaption></figure>"
        for label, (picture, figures) in shown.items()
    )


def _update(
    original: Pixels, decoded: Pixels, base: Pixels, found: Figures, found_base: Figures
) -> str:
    """Where the update helped, and how much."""
    if decoded is base:
        reason = "The file has no update of its filter: not asked for, or not worth its bytes."
        return f'<section class="wide"><h2>What the update did</h2><p>{reason}</p></section>'
    gains = ", ".join(_gains(found, found_base))
    better, worse = (f"{share:.0%}" for share in maps.shares(original, decoded, base))
    return (
        '<section class="tall"><h2>What the update did</h2>'
        f"{_image('where the update helped', maps.gains(original, decoded, base))}"
        f"<p>{gains}. The squared error of 8×8 blocks fell in {better} of them "
        f'(<b class="better">blue</b>) and rose in {worse} (<b class="worse">orange</b>).</p>'
        "</section>"
    )


def _gains(found: Figures, base: Figures) -> list[str]:
    """What the update did to each figure."""
    gains = []
    for name, figure in found.items():
        before = base[name]
        if figure is not None and before is not None:
            gains.append(METRICS[name].change(before, figure))
    return gains


def _searches(result: EncodeResult) -> str:
    """How the searches went, if there were any."""
    curves = charts.searches(result.trace)
    if not curves:
        return ""
    return (
        f'<section class="wide"><h2>Searches</h2><div class="pair">{curves}</div>'
        f'<p class="note">{NOTE_ON_COSTS}</p></section>'
    )


def _downloads(name: str, original: Pixels) -> str:
    """Links to both pictures; the script of the page has them lead to what it shows."""
    stem = escape(escaped(Path(name).stem))
    links = (
        f'<a class="download" data-of="{label}" download="{stem}-{label}.png">{label} as PNG</a>'
        for label in ("original", "decoded")
    )
    height, width, _ = maps.reduced(original).shape
    reduced = "" if (height, width) == original.shape[:2] else f"reduced to {width} × {height}"
    return " ".join(["Download:", *links, reduced])


def _image(label: str, picture: Pixels) -> str:
    return f'<img alt="{label}" src="{maps.data_url(maps.reduced(picture))}">'


def _parts(file: OpenedFile) -> dict[str, int]:
    """Bytes of each part of a file; what frames the payloads counts as header."""
    if isinstance(file, StandardFile):
        carried = len(file.payload or b"")
        return {file.carrier.NAME: len(file.data) - carried, "update": carried}
    assert isinstance(file, CodedFile)  # noqa: S101 (no encode makes another)
    chunks = file.container.chunks
    parts = {
        "content": len(chunks[Tag.CONTENT]),
        "update": len(chunks.get(Tag.UPDATE, b"")),
        "prior": len(chunks.get(Tag.PRIOR, b"")),
        "alpha": len(chunks.get(Tag.ALPHA, b"")),
        "metadata": sum(len(chunks.get(tag, b"")) for tag in TAGS.values()),
        "checksum": CHECKSUM_BYTES,
    }
    return {"header": file.size - sum(parts.values())} | parts


def _options(options: EncodeOptions) -> str:
    """All of them, those of the mode first; of quality and target the one that was asked for."""
    mode = options.mode
    kind = {"kind of file": type(mode).__name__.lower()}
    values: dict[str, object] = kind | vars(mode) | vars(options)
    del values["mode"]
    if values.get("target") is not None:
        del values["quality"]
    values["effort"] = f"{options.effort} of {EFFORT_MAX}"
    rows = (
        f"<tr><th>{escape(LABELS.get(key, key))}</th><td>{escape(_words(value))}</td></tr>"
        for key, value in values.items()
        if value is not None and value is not False
    )
    return f"<table>{''.join(rows)}</table>"


def _words(value: object) -> str:
    """A value as people write it."""
    match value:
        case True:
            return "yes"
        case tuple():
            return "all" if value == METADATA else ", ".join(value) or "none"
        case int() | float():
            return f"{value:,}".removesuffix(".0")
    return str(value)
