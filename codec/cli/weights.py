"""`nncodec weights`: networks' weights to packed files and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from codec import files
from codec.cli import parts
from codec.cli.console import Progress, Speech, print_json, say
from codec.cli.sizes import BYTES
from codec.errors import blaming

if TYPE_CHECKING:
    from codec.packing import Base


class WeightsGroup(parts.ExampleCommand, click.Group):
    """The group of the subcommands."""


@click.group(
    "weights",
    short_help="Pack the weights of networks.",
    cls=WeightsGroup,
    context_settings=parts.HELP_NAMES,
    examples=[
        ("nncodec weights pack net.safetensors net.bin", "Quantise and compress."),
        ("nncodec weights unpack net.bin back.safetensors", "Restore."),
        ("nncodec weights info net.bin", "Tensors, steps and bytes."),
    ],
)
def command() -> None:
    """Compress safetensors files of neural networks."""


base_option = click.option(
    "--base", metavar="FILE", type=parts.path, help="safetensors file that both sides have."
)
max_values_option = click.option(
    "--max-values",
    type=click.IntRange(min=1),
    metavar="N",
    help="Refuse files of more values.  [default: 16 for each byte and a million]",
)
overwrite_option = click.option("-f", "--force", is_flag=True, help="Overwrite the output.")
quiet_option = click.option("--quiet", is_flag=True, help="Print nothing but errors.")


@command.command(
    "pack",
    short_help="Compress a safetensors file.",
    cls=parts.ExampleCommand,
    context_settings=parts.HELP_NAMES,
    examples=[
        ("nncodec weights pack net.safetensors net.bin", "About 5 bits per weight."),
        ("nncodec weights pack --target-size 90K net.safetensors net.bin", "At most 90,000 bytes."),
        ("nncodec weights pack --base old.safetensors new.safetensors new.bin", "The change only."),
    ],
)
@click.argument("source", metavar="IN", type=parts.path)
@click.argument("target", metavar="OUT", type=parts.path)
@click.option(
    "--step",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="Distance of the quantiser's points, in units of the weights' root mean square.  "
    "[default: 0.1]",
)
@click.option("--target-size", type=BYTES, metavar="N[K|M]", help="Finest step for N bytes.")
@click.option(
    "--spread",
    type=click.FloatRange(0, 1),
    metavar="A",
    default=0.0,
    show_default=True,
    help="0: one step for all tensors; 1: in proportion to their size.",
)
@click.option(
    "--prune",
    type=click.FloatRange(0, 1, max_open=True),
    metavar="F",
    default=0.0,
    show_default=True,
    help="Set this fraction of each tensor to zero.",
)
@click.option(
    "--rank",
    type=click.IntRange(min=0),
    metavar="R",
    default=0,
    show_default=True,
    help="Try products of this rank; 0 tries none.",
)
@click.option("--fold", is_flag=True, help="Fold batch norms into convolutions.")
@base_option
@overwrite_option
@quiet_option
def pack(
    source: str,
    target: str,
    step: float | None,
    target_size: int | None,
    spread: float,
    prune: float,
    rank: int,
    fold: bool,
    base: str | None,
    force: bool,
    quiet: bool,
) -> None:
    """Compress the safetensors file IN to the file OUT; - is standard input or output.

    With --base only the difference to that file is coded, and unpacking needs the same file.
    """
    from codec import packing

    if step is not None and target_size is not None:
        raise click.UsageError("--step and --target-size exclude each other")
    with blaming(target):
        files.check_output(target, force=force)
    old = _read_base(base)
    speech = Speech(quiet, progress=True, as_json=False)
    with blaming(source), Progress(speech) as progress:
        data = files.read(source)
        checkpoint = packing.Checkpoint.parse(data)
        options = packing.PackOptions(
            packing.PackOptions.step if step is None else step,
            spread=spread,
            prune=prune,
            rank=rank,
            fold=fold,
        )
        if target_size is None:
            packed = packing.pack(checkpoint, options, old)
        else:
            packed = packing.pack_to_size(checkpoint, options, target_size, old, progress)
    with blaming(target), files.open_output(target, force=force) as file:
        file.write(packed)
    if not quiet:
        share = f"{len(packed) / len(data):.1%}"
        say(f"{source} -> {target}  {len(packed):,} B  {share}", err=True)


@command.command(
    "unpack",
    short_help="Restore a safetensors file.",
    cls=parts.ExampleCommand,
    context_settings=parts.HELP_NAMES,
    examples=[("nncodec weights unpack net.bin net.safetensors", "Restore it.")],
)
@click.argument("source", metavar="IN", type=parts.path)
@click.argument("target", metavar="OUT", type=parts.path)
@base_option
@max_values_option
@overwrite_option
@quiet_option
def unpack(
    source: str, target: str, base: str | None, max_values: int | None, force: bool, quiet: bool
) -> None:
    """Restore the safetensors file OUT from the packed file IN; - is standard input or output."""
    from codec import packing

    with blaming(target):
        files.check_output(target, force=force)
    old = _read_base(base)
    with blaming(source):
        checkpoint = packing.unpack(files.read(source), old, max_values)
    with blaming(target), files.open_output(target, force=force) as file:
        file.write(checkpoint.serialize())
    if not quiet:
        say(f"{source} -> {target}  {len(checkpoint.tensors)} tensors", err=True)


@command.command(
    "info",
    short_help="Show what a packed file holds.",
    cls=parts.ExampleCommand,
    context_settings=parts.HELP_NAMES,
    examples=[
        ("nncodec weights info net.bin", "Tensors, steps and bytes."),
        ("nncodec weights info --json net.bin", "The same for machines."),
    ],
)
@click.argument("source", metavar="FILE", type=parts.path)
@max_values_option
@parts.json_option
def info(source: str, max_values: int | None, as_json: bool) -> None:
    """Show the tensors of the packed file FILE: how each is coded, and what it takes."""
    from codec.packing.report import packed_facts

    with blaming(source):
        facts = packed_facts(files.read(source), max_values)
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        if name != "tensors":
            say(f"{name.replace('_', ' '):<20}{value}")
    say(f"{'bytes':>10}{'bits/value':>12}{'step':>12}  coding   type  tensor")
    for row in facts["tensors"]:
        step = "" if row["step"] is None else f"{row['step']:.4g}"
        shape = "x".join(map(str, row["shape"]))
        say(
            f"{row['bytes']:>10,.0f}{row['bits_per_value']:>12.3f}{step:>12}  "
            f"{row['coding']:<9}{row['dtype']:<6}{row['name']} {shape}"
        )


def _read_base(name: str | None) -> Base | None:
    from codec.packing import Base

    if name is None:
        return None
    with blaming(name):
        return Base.parse(files.read(name))
