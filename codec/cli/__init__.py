"""The command `nncodec`: one module per subcommand, what they share in `parts` and `console`.

Each is imported when it is run, and nothing here imports torch or Pillow at its top, so that small
commands are quick.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

import click

from codec import terminal
from codec.cli.console import Failure, say, warn
from codec.cli.parts import HELP_NAMES, ExampleCommand
from codec.errors import CodecError

COMMANDS = (
    *("encode", "decode", "enhance", "strip", "info", "verify", "view", "bench", "models"),
    *("weights", "research", "completion", "help"),
)
"""Names of the subcommands and of their modules, in the order of the help."""
INTERRUPTED = 130


class ProgramGroup(ExampleCommand, click.Group):
    """The group of all subcommands; Ctrl-C ends it the way shells expect."""

    def list_commands(self, context: click.Context) -> list[str]:
        """The names of all subcommands."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Imports a subcommand; None if there is no such one."""
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"codec.cli.{name}").command
        return command

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Runs the program; what its streams and the libraries report is one line, too."""
        terminal.occupy_closed_streams()
        with terminal.one_line_warnings(_show_warning):
            try:
                return _flushing(super().main, *args, standalone_mode=standalone_mode, **extra)
            except OSError as error:  # of the files, jobs have made results
                if not standalone_mode:
                    raise
                Failure(f"standard output: {error.strerror or error}").show()
                sys.exit(Failure.exit_code)

    def invoke(self, context: click.Context) -> object:
        """Runs the subcommand."""
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            say("nncodec: interrupted", err=True)
            context.exit(INTERRUPTED)
        except CodecError as error:
            raise Failure(str(error)) from error
        except click.ClickException as error:
            # Final for the type checker alone; it is set once more before anything shows it.
            error.message = terminal.escaped(error.message)  # type: ignore[misc]
            raise


def _flushing(run: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Runs the program, and fails if what it has printed cannot be written."""
    try:
        return run(*args, **options)
    finally:
        terminal.flush_output()


def _show_warning(line: str) -> None:
    context = click.get_current_context(silent=True)
    if context is None or not context.params.get("quiet"):
        warn(line)


@click.group(
    "nncodec",
    cls=ProgramGroup,
    context_settings=HELP_NAMES,
    examples=[
        ("nncodec encode photo.png", "Compress a picture."),
        ("nncodec encode -r photos --output-dir small", "Compress a folder."),
        ("nncodec decode photo.nni copy.png", "Restore a picture."),
        ("nncodec info photo.nni", "Show what a file holds."),
    ],
    invoke_without_command=True,
    no_args_is_help=True,
    subcommand_metavar="COMMAND [ARGS]...",
)
@click.option("-V", "--version", is_flag=True, help="Show the version.")
@click.option("--verbose", is_flag=True, help="And what decodes here, and with which libraries.")
@click.pass_context
def main(context: click.Context, version: bool, verbose: bool) -> None:
    """Learned image compression that adapts its decoder to each picture."""
    if version:
        from codec.cli import versions

        versions.show(context, verbose=verbose)
    if verbose:
        raise click.UsageError("--verbose goes with --version")
    if context.invoked_subcommand is None:
        context.fail("Missing command.")
