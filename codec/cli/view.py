"""`nncodec view`: a file in the browser, beside its original and without its update."""

from __future__ import annotations

import webbrowser
from contextlib import suppress
from io import BytesIO

import click

from codec import files, update_files
from codec.batch import local
from codec.cli import parts, sharing
from codec.cli.console import say, warn
from codec.contract.decoding import DecodeOptions
from codec.errors import blaming
from codec.opening import open_file


@click.command(
    "view",
    short_help="Look at a file in the browser.",
    cls=parts.ExampleCommand,
    context_settings=parts.HELP_NAMES,
    examples=[
        ("nncodec view photo.nni", "Look at it, with and without its update."),
        ("nncodec view photo.nni --original photo.png", "Beside the original."),
        ("nncodec view photo.jpg", "As this decoder and as any program shows it."),
    ],
)
@click.argument("source", metavar="FILE", type=parts.path)
@click.option("--original", metavar="IMG", type=parts.path, help="Picture to compare with.")
@click.option("--browser/--no-browser", default=True, help="Open it, or print the address only.")
@sharing.decode_options
@parts.threads_option
def command(
    source: str, original: str | None, browser: bool, options: DecodeOptions, threads: int
) -> None:
    """Show FILE on a page in the browser, which only this machine can reach; Ctrl-C ends it."""
    local.set_threads(threads)
    with blaming(source):
        opened = open_file(files.read(source))
    reference = None
    if original is not None:
        from codec.picture import reading

        with blaming(original):
            reference = reading.load_pixels(BytesIO(files.read(original)))
    from codec.pages.view.comparison import compare
    from codec.pages.view.server import ViewServer

    with blaming(source):
        comparison = compare(opened, reference, update_files.beside(opened, source, options))
    with ViewServer(comparison, source) as server, suppress(KeyboardInterrupt):
        if comparison.remark:
            warn(f"{source}: {comparison.remark}")
        say(server.url)
        say("Ctrl-C ends it.", err=True)
        if browser:
            webbrowser.open(server.url)
        server.serve_forever()
