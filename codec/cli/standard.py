"""What the subcommands say and ask about standard files: names, contents, metadata, warnings."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bitstream.carriers import carrier_of
from codec import files
from codec.errors import ForeignUpdateWarning
from codec.options import CONTENTS, EncodeOptions

if TYPE_CHECKING:
    from codec.metadata import Metadata

FORMATS = {".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp", ".avif": "avif"}
"""Suffix -> content."""

content_option = click.option(
    "--content",
    type=click.Choice(CONTENTS),
    default=EncodeOptions().content,
    show_default=True,
    help="Codec below the filter; a standard one also writes OUT.jpg, .webp or .avif.",
)
out_option = click.option(
    "-o", "--out", "target", metavar="OUT", type=click.Path(allow_dash=True), help="Output file."
)


def format_of(name: str) -> str | None:
    """The standard format that a file is named for, if any."""
    return FORMATS.get(Path(name).suffix.lower())


def wants_standard_file(target: str, content: str) -> bool:
    """Whether an encode is to write a standard file, by the name of its output."""
    named = format_of(target)
    if named not in (None, content):
        raise click.UsageError(f"{target} is the name of a {named} file; add --content {named}")
    return named is not None


def check_format(target: str, data: bytes) -> None:
    """Refuses to write a standard file under the name of another format."""
    carrier = carrier_of(data)
    if carrier and format_of(target) not in (None, carrier.NAME):
        raise click.UsageError(f"{target} would be a {carrier.NAME} file; name it like one")


def beside(name: str, word: str) -> str:
    """photo.jpg -> photo.WORD.jpg; a stream stays one."""
    if name == files.STREAM:
        return name
    path = Path(name)
    return str(path.with_suffix(f".{word}{path.suffix}"))


def metadata_of(data: bytes) -> Metadata | None:
    """What a picture restored from a standard file inherits."""
    if carrier_of(data) is None:
        return None
    from codec.standard_file import read_metadata

    return read_metadata(data)


@contextmanager
def telling(name: str, *, quiet: bool) -> Iterator[None]:
    """Says on one line, once the block is done, that an update was left out."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ForeignUpdateWarning)
        yield
    for warning in caught:
        if not issubclass(warning.category, ForeignUpdateWarning):
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
        elif not quiet:
            click.echo(f"nncodec: warning: {name}: {warning.message}", err=True)


@contextmanager
def insisting() -> Iterator[None]:
    """Makes an update that was left out an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", ForeignUpdateWarning)
        yield
