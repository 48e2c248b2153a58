"""`nncodec view`: files in the browser, beside their original, each other, or all of a folder."""

from __future__ import annotations

import os
import webbrowser
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING

import click

from codec import files, update_files
from codec.batch.results import Failed
from codec.batch.sources import find, is_coded
from codec.batch.threads import set_threads
from codec.cli import decode_options, parts
from codec.cli.console import Failure, say, warn
from codec.contract.decoding import DecodeOptions
from codec.errors import blaming
from codec.opening import open_file

if TYPE_CHECKING:
    from codec.pages.view.comparison import Entry
    from codec.pages.view.server import Site


@click.command(
    "view",
    short_help="Look at files in the browser.",
    cls=parts.ExampleCommand,
    context_settings=parts.HELP_NAMES,
    examples=[
        ("nncodec view photo.nni", "Look at it, with and without its update."),
        ("nncodec view photo.nni --original photo.png", "Beside the original, with its errors."),
        ("nncodec view small.nni large.nni", "Two files of one picture."),
        ("nncodec view photo.jpg", "As this decoder and as any program shows it."),
        ("nncodec view small", "All files of a folder, with their rates."),
    ],
)
@click.argument("names", metavar="FILE [FILE] | FOLDER", type=parts.path, nargs=-1, required=True)
@click.option("--original", metavar="IMG", type=parts.path, help="Picture to compare with.")
@click.option("--browser/--no-browser", default=True, help="Open it, or print the address only.")
@decode_options.options
@parts.threads_option
def command(
    names: tuple[str, ...],
    original: str | None,
    browser: bool,
    options: DecodeOptions,
    threads: int,
) -> None:
    """Show files on a page in the browser, which only this machine can reach; Ctrl-C ends it.

    A FILE is one of this codec, or a JPEG, WebP or AVIF file. Two must be of one picture; two
    pages of any others can be open side by side. Of a FOLDER, all files below it that this codec
    decodes are shown as a sheet with their rates, and each leads to its page.
    """
    folders = [name for name in names if os.path.isdir(name)]
    if len(names) > 2 or (folders and len(names) > 1):
        raise click.UsageError("view shows one file, two files, or one folder")
    if folders and original is not None:
        raise click.UsageError("--original is the picture of a file, not of a folder")
    set_threads(threads)
    site = _sheet(names[0], options) if folders else _comparison(names, original, options)
    from codec.pages.view.server import ViewServer

    with ViewServer(site) as server, suppress(KeyboardInterrupt):
        say(server.url)
        say("Ctrl-C ends it.", err=True)
        if browser:
            webbrowser.open(server.url)
        server.serve_forever()


def _entry(name: str, options: DecodeOptions) -> Entry:
    from codec.pages.view.comparison import Entry

    with blaming(name):
        opened = open_file(files.read(name))
        return Entry(name, opened, update_files.beside(opened, name, options))


def _comparison(names: tuple[str, ...], original: str | None, options: DecodeOptions) -> Site:
    """The page on one file, or on two."""
    from codec.pages.view import sites
    from codec.pages.view.comparison import compare
    from codec.picture import reading

    entries = [_entry(name, options) for name in names]
    reference = None
    if original is not None:
        with blaming(original):
            reference = reading.load_pixels(BytesIO(files.read(original)))
    comparison = compare(entries, reference)
    for shown in comparison.files:
        if shown.remark:
            warn(f"{shown.name}: {shown.remark}")
    return sites.of_comparison(comparison)


def _sheet(folder: str, options: DecodeOptions) -> Site:
    """The sheet of a folder; what cannot be read in it is left out, with a warning."""
    from codec.errors import FileError
    from codec.pages.view import sites
    from codec.pages.view.comparison import known_of

    entries = []
    for source in find([folder], is_coded, recursive=True):
        if isinstance(source, Failed):
            raise Failure(source.error)
        try:
            entry = _entry(source.name, options)
            known_of(entry)
        except FileError as error:
            warn(str(error))
            continue
        entries.append(entry)
    if not entries:
        raise Failure(f"{folder}: holds no file that can be shown")
    return sites.Sheet(entries)
