"""`nncodec info`: what a file holds, read without its networks."""

from __future__ import annotations

from dataclasses import asdict

import click

import bitstream
from bitstream.carriers import carrier_of
from codec import files
from codec.cli import parts
from codec.cli.console import blaming, print_json

QUALITY_UNITS = 2
"""The header counts quality in half units."""


@click.command(
    "info",
    short_help="Show what a file holds.",
    cls=parts.ExampleCommand,
    context_settings=parts.HELP_NAMES,
    examples=[
        ("nncodec info photo.bin", "Size, rate and parts of a file."),
        ("nncodec info --json photo.bin", "The same for machines."),
    ],
)
@click.argument("source", metavar="FILE", type=parts.path)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(source: str, as_json: bool) -> None:
    """Show what FILE holds; its checksum is verified, its picture is not decoded.

    FILE may be a JPEG, WebP or AVIF file too: is there an update in it, and is it for that picture?
    """
    with blaming(source):
        facts = describe(files.read(source))
    if as_json:
        print_json(facts)
        return
    chunks = facts.pop("chunks", {})
    facts["bpp"] = f"{facts['bpp']:.3f}"
    rows = facts | {f"{name} chunk": f"{size:,} B" for name, size in chunks.items()}
    for name, value in rows.items():
        click.echo(f"{name.replace('_', ' '):<16}{_shown(value)}")


def _shown(value: object) -> object:
    if value is None:
        return "-"
    return ("yes" if value else "no") if isinstance(value, bool) else value


def describe(data: bytes) -> dict[str, object]:
    """The facts in the header of a file and the sizes of its chunks."""
    if carrier_of(data):
        from codec import standard_info

        return asdict(standard_info.probe(data))
    container = bitstream.Container.unpack(data)
    header = container.header
    return {
        "width": header.width,
        "height": header.height,
        "bytes": len(data),
        "bpp": 8 * len(data) / (header.width * header.height),
        "quality": header.quality / QUALITY_UNITS,
        "model": header.model.hex(),
        "format_version": bitstream.FORMAT_VERSION,
        "chunks": {tag.name.lower(): len(data) for tag, data in container.chunks.items()},
    }
