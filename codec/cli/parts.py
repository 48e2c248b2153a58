"""What the subcommands have in common: their help and their shared options."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from typing import Any

import click

from codec import files
from codec.batch.plan import Outputs
from codec.cli.console import Speech

HELP_NAMES = {"help_option_names": ["-h", "--help"]}

SCHEME = "dask://"
"""What the address of a Dask scheduler begins with."""

path = click.Path(allow_dash=True)
"""A file name, or - for a stream. Existence is checked later, with our own one-line message."""

Command = Callable[..., Any]
Decorator = Callable[[Command], Command]


class ExampleCommand(click.Command):
    """A command whose help begins with examples."""

    def __init__(self, *args: Any, examples: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_help(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the examples, then what click writes."""
        with formatter.section("Examples"):
            formatter.write_dl(self.examples, col_max=48)
        formatter.write_paragraph()
        super().format_help(context, formatter)


def subcommands(context: click.Context) -> dict[str, click.Command]:
    """The commands of a group by their names, in the order of its help; none of any other."""
    group = context.command
    if not isinstance(group, click.Group):
        return {}
    found = ((name, group.get_command(context, name)) for name in group.list_commands(context))
    return {name: command for name, command in found if command is not None}


@dataclass(frozen=True)
class Naming:
    """Which files are meant, and where outputs go."""

    output: str | None
    force: bool
    output_dir: str | None = None
    recursive: bool = False
    resume: bool = False
    preserve: bool = False

    def outputs(self, only: str | None, **names: Any) -> Outputs:
        """How outputs are named: `only`, or as the other fields of `Outputs` say."""
        return Outputs(
            **names, only=only, folder=self.output_dir, force=self.force, resume=self.resume
        )


@dataclass(frozen=True)
class Running:
    """Who does the work."""

    threads: int
    engine: str = "local"
    jobs: int = 1


class EngineAddress(click.ParamType):  # type: ignore[type-arg]  # older releases are not generic
    """`local`, or the address of a scheduler."""

    name = "engine"

    def convert(
        self, value: str, param: click.Parameter | None, context: click.Context | None
    ) -> str:
        """Checks the form."""
        host, colon, port = value.removeprefix(SCHEME).rpartition(":")
        remote = value.startswith(SCHEME) and host and colon and port.isdigit()
        if value != "local" and not remote:
            self.fail(f"{value!r} is neither local nor {SCHEME}HOST:PORT", param, context)
        return value


def bundle(name: str, kind: type, *options: Decorator, **settled: Any) -> Decorator:
    """Options that a command receives together: as the dataclass `kind`, under `name`.

    Fields without an option have the values that the command `settled`, else their defaults.
    """

    def decorate(function: Command) -> Command:
        @wraps(function)
        def command(**values: Any) -> Any:
            names = [field.name for field in fields(kind) if field.name in values]
            own = {name: values.pop(name) for name in names}
            return function(**values, **{name: kind(**own, **settled)})

        wrapped: Command = command
        for option in reversed(options):
            wrapped = option(wrapped)
        return wrapped

    return decorate


recursive_option = click.option(
    "-r", "--recursive", is_flag=True, help="Work on all files below folders."
)
threads_option = click.option(
    "-T",
    "--threads",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="CPU threads of each process; 0 shares all cores.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")

output_option = click.option(
    "-o", "--output", metavar="OUT", type=path, help="Name of the only output."
)
force_option = click.option("-f", "--force", is_flag=True, help="Overwrite outputs.")
preserve_option = click.option(
    "-p", "--preserve", is_flag=True, help="Give outputs the times of their inputs."
)

naming_options = bundle(
    "naming",
    Naming,
    output_option,
    click.option("--output-dir", metavar="DIR", type=click.Path(), help="Folder for all outputs."),
    recursive_option,
    force_option,
    click.option(
        "--resume", is_flag=True, help="Skip what is done, redo what is cut short or out of date."
    ),
    preserve_option,
)
running_options = bundle(
    "running",
    Running,
    click.option(
        "--engine",
        type=EngineAddress(),
        metavar="local|dask://HOST:PORT",
        default="local",
        show_default=True,
        help="Who works on many files: this machine, or a Dask cluster.",
    ),
    click.option(
        "--jobs",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        metavar="N",
        help="Files at the same time; 0 takes one for each core.",
    ),
    threads_option,
)
speech_options = bundle(
    "speech",
    Speech,
    click.option("--quiet", is_flag=True, help="Print nothing but errors."),
    click.option("--progress/--no-progress", default=True, help="Show a bar on a terminal."),
    json_option,
)


def split_names(
    names: Sequence[str],
    naming: Naming,
    is_input: Callable[[str], bool],
    is_output: Callable[[str], bool],
) -> tuple[Sequence[str], str | None]:
    """IN... [OUT] -> inputs and the name of the only output, if one is named.

    The second of exactly two names is the output, unless it is an input too: then both are.
    So a picture is never taken for an output because a shell's wildcard matched two of them.

    Args:
        names: as they were given.
        naming: options about files.
        is_input: whether the second of two names is an input.
        is_output: whether the last of several names can only be meant as an output.
    """
    output = naming.output
    if output is not None:
        if len(names) > 1 or naming.recursive or naming.output_dir is not None:
            raise click.UsageError("-o names the output of one input; --output-dir is for many")
    elif len(names) == 2 and naming.output_dir is None and not naming.recursive:
        first, second = names
        if second == files.STREAM or not is_input(second):
            names, output = [first], second
    elif len(names) > 2 and naming.output_dir is None and is_output(names[-1]):
        raise click.UsageError(
            f"{names[-1]} names the output of one input, and there are {len(names) - 1}; "
            "--output-dir DIR is for many"
        )
    if len(names) > 1 and files.STREAM in names:
        raise click.UsageError("standard input can only be the only input")
    return names, output
