"""`nncodec --version`, and what decodes here: the engine, its threads, versions of libraries."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

import click

from codec import __version__
from codec.cli.console import say
from codec.errors import EngineError

LIBRARIES = ("numpy", "Pillow", "click", "constriction", "safetensors", "torch")
"""All that a decode or an encode may load, by the names of their distributions."""
CODECS = {"jpg": "libjpeg", "webp": "libwebp", "avif": "libavif", "zlib": "zlib"}
"""What decodes standard files and writes pictures: Pillow's names, and what people call them."""


def show(context: click.Context, *, verbose: bool) -> None:
    """Prints the version, and all else that a report of an error should have; ends the program."""
    say(f"nncodec {__version__}")
    if verbose:
        say(*(f"{name:14}{text}" for name, text in running_here()))
    context.exit()


def running_here() -> Iterator[tuple[str, str]]:
    """What runs here, by names."""
    from codec.decoding.engines.threads import available_threads

    yield "engine", engine()
    yield "threads", str(available_threads())
    yield "kernel has", _kernel()
    yield "Python", f"{platform.python_version()}, {platform.system()} {platform.machine()}"
    for name in LIBRARIES:
        yield name, _installed(name)


def engine() -> str:
    """What runs the networks here."""
    from codec.decoding.engines.choice import chosen  # late: it imports numpy

    try:
        return chosen().name
    except EngineError as error:
        return f"nothing: {error}"


def _kernel() -> str:
    """The instruction sets that the kernel has code for and this machine runs."""
    from codec.decoding.engines.library import levels

    try:
        return ", ".join(levels())
    except OSError as error:
        return f"none: {error}"


def _installed(name: str) -> str:
    try:
        found = version(name)
    except PackageNotFoundError:
        return "not installed"
    if name != "Pillow":
        return found
    from PIL import features

    versions = ((label, features.version(codec)) for codec, label in CODECS.items())
    parts = ", ".join(f"{label} {number}" for label, number in versions if number)
    return f"{found}, {parts}"
