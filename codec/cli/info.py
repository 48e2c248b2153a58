"""`nncodec info`: what files hold, read without their networks."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import click

from codec import files
from codec.batch.results import Failed
from codec.batch.sources import Source, find, is_coded
from codec.cli import parts
from codec.cli.console import Progress, Reporter, Speech, one_line
from codec.errors import FileError, blaming
from codec.info import AnyInfo, FileInfo, SharedUpdateInfo, StandardInfo
from codec.info import describe as describe_file
from codec.opening import open_file

EIGHT = 8
"""Bits of a sample of most files, which go without saying."""


@dataclass(frozen=True)
class Described:
    """What a file holds, and its name."""

    input: str
    info: AnyInfo

    def __str__(self) -> str:
        info = self.info
        if isinstance(info, SharedUpdateInfo):
            return f"{self.input}: shared update {info.shared_update}  {info.bytes:,} B"
        figures = (
            f"{self.input}: {info.width} x {info.height}",
            f"{info.bytes:,} B",
            f"{info.bpp:.3f} bpp",
            _carried(info) if isinstance(info, StandardInfo) else _quality(info),
        )
        return "  ".join(figures)


@click.command(
    "info",
    short_help="Show what files hold.",
    cls=parts.ExampleCommand,
    context_settings=parts.HELP_NAMES,
    examples=[
        ("nncodec info photo.nni", "Size, rate and parts of a file."),
        ("nncodec info photo.jpg", "Is there an update in it, for its picture?"),
        ("nncodec info holiday.nnu", "Which networks a shared update is for."),
        ("nncodec info -r small", "One line for each file of a folder."),
        ("nncodec info --json photo.nni", "The same for machines."),
    ],
)
@click.argument("names", metavar="FILE...", type=parts.path, nargs=-1, required=True)
@parts.recursive_option
@parts.json_option
def command(names: tuple[str, ...], recursive: bool, as_json: bool) -> None:
    """Show what each FILE holds; checksums are verified.

    A FILE is one of this codec, which is not decoded, or a JPEG, WebP or AVIF file with or without
    an update, or an update that files share (.nnu).
    """
    single = len(names) == 1 and not recursive
    sources = list(find(names, is_coded, recursive=recursive))
    speech = Speech(quiet=False, progress=False, as_json=as_json)
    reporter: Reporter[Described] = Reporter(
        speech,
        Progress(speech),
        len(sources),
        single=single,
        render=_table if single else one_line,
        facts=_facts,
        text_is_result=True,
    )
    for source in sources:
        reporter.add(described(source))
    reporter.finish()


def described(source: Source | Failed) -> Described | Failed:
    """What is known of a file without its networks."""
    if isinstance(source, Failed):
        return source
    try:
        with blaming(source.name):
            return Described(source.name, describe_file(open_file(files.read(source.name))))
    except FileError as error:
        return Failed(source.name, str(error))


def _quality(info: FileInfo) -> str:
    kind = f"lossless ({info.content})" if info.content else "lossless"
    return kind if info.quality is None else f"quality {info.quality:g}"


def _carried(info: StandardInfo) -> str:
    if info.payload_bytes is None:
        return f"{info.format} without update"
    return f"{info.format} with update" if info.matches else f"{info.format} with another's update"


def _facts(described: Described | Failed) -> dict[str, Any]:
    """What JSON says."""
    if isinstance(described, Failed):
        return asdict(described)
    return {"input": described.input} | asdict(described.info)


def _table(described: Described) -> list[str]:
    """All facts, one in each row."""
    facts = _facts(described)
    chunks = facts.pop("chunks", {})
    if "bpp" in facts:
        facts["bpp"] = f"{facts['bpp']:.3f}"
    for name in ("shared_update", "pixels", "content"):
        if name in facts and not facts[name]:
            del facts[name]
    if facts.get("depth") == EIGHT:
        del facts["depth"]
    if facts.get("content"):
        del facts["model"]  # there are no networks
    if isinstance(described.info, FileInfo) and facts["quality"] is None:
        facts["quality"] = "lossless"
    rows = facts | {f"{name} chunk": f"{size:,} B" for name, size in chunks.items()}
    return [f"{name.replace('_', ' '):<16}{_shown(value)}" for name, value in rows.items()]


def _shown(value: object) -> object:
    if value is None:
        return "-"
    return ("yes" if value else "no") if isinstance(value, bool) else value
