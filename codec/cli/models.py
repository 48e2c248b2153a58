"""`nncodec models`: the networks in the package, and where they come from."""

from __future__ import annotations

import textwrap
from dataclasses import asdict

import click

from codec.cli import parts, versions
from codec.cli.console import print_json, say
from codec.models import registry
from codec.models.registry import ModelEntry

COLUMNS = 78


@click.command(
    "models",
    short_help="List the networks.",
    cls=parts.ExampleCommand,
    context_settings=parts.HELP_NAMES,
    examples=[
        ("nncodec models", "Name, id, size, licence and training data; what runs them."),
        ("nncodec models --json", "The same for machines."),
    ],
)
@parts.json_option
def command(as_json: bool) -> None:
    """List the networks that files can name; one for each content encodes new files."""
    entries = registry.entries()
    if as_json:
        print_json([asdict(entry) for entry in entries])
    else:
        decoded = f"decoded by {versions.engine()}"
        say(*"\n\n".join([*map(_text, entries), decoded]).split("\n"))


def _text(entry: ModelEntry) -> str:
    facts = [entry.name, f"id {entry.id}", f"{entry.bytes:,} B", entry.licence]
    if entry.content:
        facts.append(f"for {entry.content} content")
    data = textwrap.indent(textwrap.fill(entry.training_data, COLUMNS), "  ")
    return "  ".join(facts) + "\n" + data
