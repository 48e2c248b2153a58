"""`nncodec info`: what files hold, read without their networks."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import click

import codec
from codec import files
from codec.batch.results import Failed
from codec.batch.sources import Source, find, is_coded
from codec.cli import parts
from codec.cli.console import Progress, Reporter, Speech
from codec.errors import FileError, blaming
from codec.file_info import FileInfo


@dataclass(frozen=True, kw_only=True)
class Described(FileInfo):
    """What a file holds, and its name."""

    input: str

    def __str__(self) -> str:
        figures = (
            f"{self.input}: {self.width} x {self.height}",
            f"{self.bytes:,} B",
            f"{self.bpp:.3f} bpp",
            f"quality {self.quality:g}",
        )
        return "  ".join(figures)


@click.command(
    "info",
    short_help="Show what files hold.",
    cls=parts.ExampleCommand,
    context_settings=parts.HELP_NAMES,
    examples=[
        ("nncodec info photo.nni", "Size, rate and parts of a file."),
        ("nncodec info -r small", "One line for each file of a folder."),
        ("nncodec info --json photo.nni", "The same for machines."),
    ],
)
@click.argument("names", metavar="FILE...", type=parts.path, nargs=-1, required=True)
@parts.recursive_option
@parts.json_option
def command(names: tuple[str, ...], recursive: bool, as_json: bool) -> None:
    """Show what each FILE holds; checksums are verified, pictures are not decoded."""
    single = len(names) == 1 and not recursive
    sources = list(find(names, is_coded, recursive=recursive))
    speech = Speech(quiet=False, progress=False, as_json=as_json)
    reporter = Reporter(
        speech,
        Progress(speech),
        len(sources),
        single=single,
        render=_table if single else str,
        text_is_result=True,
    )
    for source in sources:
        reporter.add(describe(source))
    reporter.finish()


def describe(source: Source | Failed) -> Described | Failed:
    """The facts in the header of a file and the sizes of its chunks."""
    if isinstance(source, Failed):
        return source
    try:
        with blaming(source.name):
            info = codec.probe(files.read(source.name))
    except FileError as error:
        return Failed(source.name, str(error))
    return Described(input=source.name, **asdict(info))


def _table(described: Described) -> str:
    """All facts, one in each row."""
    facts = {"input": described.input} | asdict(described)
    chunks = facts.pop("chunks")
    facts["bpp"] = f"{described.bpp:.3f}"
    rows = facts | {f"{name} chunk": f"{size:,} B" for name, size in chunks.items()}
    return "\n".join(f"{name.replace('_', ' '):<16}{value}" for name, value in rows.items())
