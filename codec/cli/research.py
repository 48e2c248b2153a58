"""`nncodec research`: measurements of codecs, comparisons of their curves, and plots."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import click

from codec.cli import parts
from codec.cli.console import Failure

OWN_OPTIONS = {"ignore_unknown_options": True, "help_option_names": []}
"""The commands below parse their arguments themselves, --help among them."""


class ResearchGroup(parts.ExampleCommand, click.Group):
    """A group whose help begins with examples."""


@click.group(
    "research",
    short_help="Measure and compare codecs.",
    cls=ResearchGroup,
    context_settings=parts.HELP_NAMES,
    examples=[
        (
            "nncodec research evaluate --images kodak --codec jpeg --qualities 30 --out jpeg.tsv",
            "Measure a codec on a folder of PNG files.",
        ),
        (
            "nncodec research evaluate --images kodak --codec 'mine=my -q {q} {in} {out}' "
            "--qualities 1,2 --out mine.tsv",
            "A codec of your own, by its command.",
        ),
        ("nncodec research bdrate jpeg.tsv mine.tsv", "How many more bits one needs."),
        ("nncodec research plot jpeg.tsv mine.tsv --out rd.png", "Draw their curves."),
    ],
)
def command() -> None:
    """Measure codecs by real files and decoded pixels, compare and plot their curves.

    What is measured goes to tables of tab separated values, which are carried on with where they
    were stopped. Curves of others come from files of comma separated values.
    """


def _add(name: str, summary: str, examples: Sequence[tuple[str, str]]) -> None:
    """Adds a command that is a module of `codec.research`."""

    @command.command(
        name,
        short_help=summary,
        cls=parts.ExampleCommand,
        context_settings=OWN_OPTIONS,
        add_help_option=False,
        examples=examples,
    )
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def run(arguments: tuple[str, ...]) -> None:
        try:
            module = importlib.import_module(f"codec.research.{name}")
        except ModuleNotFoundError as error:
            missing = f"{error.name} is missing: pip install 'nncodec-image[bench]'"
            raise Failure(missing) from error
        status = module.main(arguments, f"nncodec research {name}")
        sys.stdout.flush()
        if status:
            click.get_current_context().exit(status)


for entry in (
    (
        "evaluate",
        "Measure a codec.",
        [("nncodec research evaluate --help", "All of its options.")],
    ),
    (
        "bdrate",
        "Compare two curves.",
        [("nncodec research bdrate a.tsv b.csv --metric ssimulacra2", "At equal SSIMULACRA2.")],
    ),
    (
        "plot",
        "Draw curves.",
        [("nncodec research plot a.tsv b.tsv:webp --out rd.png", "Some of the curves.")],
    ),
):
    _add(*entry)
