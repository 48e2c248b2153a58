"""Every command that a document names is there, with its options, whether it is run or not.

`tests/test_documentation.py` runs those of console blocks.  What takes hours, another machine or
other people's pictures stands in the text: here its names are looked for.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from codec.cli import main
from scripts.__main__ import commands

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY", "results/README")),
    *sorted(ROOT.glob("docs/**/*.md")),
]
NAMED = re.compile(
    r"(?:^ {4}|^\$ |`)((?:nncodec|make|python)(?: [^`\\\n]+(?:\\\n[^`\\\n]+)*))", re.MULTILINE
)
"""Lines of code with their continuations, and code in sentences."""
SHARED = {
    "experiment_parser(": ROOT / "codec" / "research" / "arguments.py",
    "run_parser(": ROOT / "scripts" / "train" / "run.py",
}
ELSEWHERE = {"COMMAND", "http.server", "tiny.py", "pytest"}
"""Any command, programs of others, and the one that the tour writes."""


def named(path: Path) -> list[list[str]]:
    """The commands of a document, in words."""
    found = NAMED.findall(path.read_text(encoding="utf-8"))
    return [shlex.split(text.replace("\\\n", " "), comments=True) for text in found]


def options(words: list[str]) -> set[str]:
    return {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}


def of_parser(path: Path) -> set[str]:
    """Options of a program that uses argparse, with those that it shares with others."""
    text = path.read_text(encoding="utf-8")
    if found := re.search(r'run_module\("([\w.]+)"', text):
        text += ROOT.joinpath(*found[1].split(".")).with_suffix(".py").read_text(encoding="utf-8")
    for frame, others in SHARED.items():
        if frame in text:
            text += others.read_text(encoding="utf-8")
    return set(re.findall(r'"(--?[a-z][\w-]*)"', text))


def known_options(words: list[str]) -> set[str]:
    """Options that the program of a command has."""
    match words:
        case ["nncodec", "research", name, *_]:
            return of_parser(ROOT / "codec" / "research" / f"{name}.py")
        case ["nncodec", *names]:
            command: click.Command = main
            while isinstance(command, click.Group) and names and names[0][0] != "-":
                inner = command.get_command(click.Context(command), names[0])
                assert inner is not None, words
                command, names = inner, names[1:]
            pairs = ((*p.opts, *p.secondary_opts) for p in command.params)
            return {"-h", "--help"}.union(*pairs)
        case ["python", "-m", "scripts", name, *_]:
            assert name in dict(commands())
            return of_parser(ROOT.joinpath("scripts", *name.split(".")).with_suffix(".py"))
        case ["python", name, *_]:
            return of_parser(ROOT / name)
    raise AssertionError(words)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_named_commands_are_there(path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for words in named(path):
        if words[0] == "make":
            assert f"\n{words[1]}:" in makefile, words
        elif not ELSEWHERE.intersection(words[1:3]) and words != ["python", "-m", "scripts"]:
            assert options(words) - {"-m"} <= known_options(words), words


def test_enough_commands_are_found() -> None:
    found = [words for path in PAGES for words in named(path)]
    assert len(found) > 90 and {words[0] for words in found} == {"nncodec", "make", "python"}
