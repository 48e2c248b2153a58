"""`nncodec completion`: lets a shell complete commands, options and file names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from codec.cli import parts

PROGRAM = "nncodec"
VARIABLE = "_NNCODEC_COMPLETE"
"""Click looks for it in the environment: the shell sets it to ask for completions."""


@click.command(
    "completion",
    short_help="Print a script of completions.",
    cls=parts.ExampleCommand,
    context_settings=parts.HELP_NAMES,
    examples=[
        ("nncodec completion fish | source", "In fish's config.fish."),
        ('eval "$(nncodec completion bash)"', "In ~/.bashrc."),
        ('eval "$(nncodec completion zsh)"', "In ~/.zshrc."),
    ],
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the script that completes commands, options and file names in SHELL."""
    complete = get_completion_class(shell)
    assert complete is not None  # noqa: S101 (for the type checker: click has all three)
    click.echo(complete(context.find_root().command, {}, PROGRAM, VARIABLE).source())
