"""`nncodec help`: the help of a command, as text or as a man page; all from the commands."""

from __future__ import annotations

import re
from collections.abc import Iterable

import click

from codec import __version__
from codec.cli import parts
from codec.cli.console import say

SECTION = 1
HELP_NAMES = parts.HELP_NAMES["help_option_names"]
EXIT_CODES = {
    "0": "success",
    "1": "some file failed",
    "2": "wrong usage",
    "130": "interrupted",
}


@click.command(
    "help",
    short_help="Explain a command.",
    cls=parts.ExampleCommand,
    context_settings=parts.HELP_NAMES,
    examples=[
        ("nncodec help encode", "The same as nncodec encode --help."),
        ("nncodec help weights pack", "A command of a command."),
        ("nncodec help --man encode >nncodec-encode.1", "A page for man."),
    ],
)
@click.argument("topic", metavar="[COMMAND]...", nargs=-1)
@click.option("--man", is_flag=True, help="Print a man page.")
@click.pass_context
def command(context: click.Context, topic: tuple[str, ...], man: bool) -> None:
    """Explain COMMAND, its examples first; without one, the program."""
    found = _context(context.find_root(), topic)
    text = man_page(found) if man else found.get_help()
    say(*text.splitlines())


def _context(root: click.Context, topic: tuple[str, ...]) -> click.Context:
    """The context of a command, as its own --help would have it."""
    found = click.Context(root.command, info_name=root.info_name, help_option_names=HELP_NAMES)
    for name in topic:
        known = parts.subcommands(found)
        if name not in known:
            listed = ", ".join(known) or "none"
            raise click.UsageError(f"there is no command {' '.join(topic)}; known are: {listed}")
        found = click.Context(
            known[name], parent=found, info_name=name, help_option_names=HELP_NAMES
        )
    return found


def man_page(context: click.Context) -> str:
    """A command as a man page, in the macros of man(7)."""
    command = context.command
    name = context.command_path.replace(" ", "-")
    summary = command.get_short_help_str(limit=200).rstrip(".")
    lines = [
        f'.TH "{name.upper()}" "{SECTION}" "" "nncodec {__version__}" "User Commands"',
        *(".SH NAME", f"{_roff(name)} \\- {_roff(summary)}"),
    ]
    if isinstance(command, parts.ExampleCommand):
        lines.append(".SH EXAMPLES")
        lines += _definitions(command.examples)
    usage = " ".join(command.collect_usage_pieces(context))
    lines += [".SH SYNOPSIS", f"\\fB{_roff(context.command_path)}\\fR {_roff(usage)}"]
    lines.append(".SH DESCRIPTION")
    for paragraph in re.split(r"\n\s*\n", command.help or ""):
        lines += [".PP", _roff(" ".join(paragraph.split()))]
    options = [parameter.get_help_record(context) for parameter in command.get_params(context)]
    lines.append(".SH OPTIONS")
    lines += _definitions([record for record in options if record and record[1]])
    known = parts.subcommands(context)
    if known:
        lines.append(".SH COMMANDS")
        lines += _definitions([(name, inner.get_short_help_str()) for name, inner in known.items()])
    lines.append(".SH EXIT STATUS")
    lines += _definitions(EXIT_CODES.items())
    return "\n".join(lines)


def _definitions(pairs: Iterable[tuple[str, str]]) -> list[str]:
    return [line for term, text in pairs for line in (".TP", f"\\fB{_roff(term)}\\fR", _roff(text))]


def _roff(text: str) -> str:
    """Text without a meaning for roff."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text
