"""No name means two things, and the glossary names what exists."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GLOSSARY = ROOT / "docs" / "glossary.md"

ONE_MEANING = {
    "apply changed applied": "an update of filter, prior or lossless heads takes effect",
    "bits": "what symbols take by the networks, of the learned and of the lossless content",
    "command": "the command of each module of the command line",
    "decode encode": "the stories of an encode or decode, and the content codecs in them",
    "encode_shared enhance read_metadata restore": "a public function and what does its work",
    "extract insert strip": "what each carrier does (`bitstream.carriers.Carrier`)",
    "from_rgb": "the colours of the lossless mode, in numpy and in torch",
    "is_sound orientation upright resolution": "what is asked of EXIF, XMP, profiles, IPTC",
    "pack unpack": "a value <-> its bytes, one pair for each payload; commands are named for them",
    "main": "what a program runs",
    "parse": "a TOML table of the contract -> its rows",
    "rescale": "the rounding shift of FORMAT.md, section 8.1, in numpy and in torch",
    "run": "what each batch engine does",
    "split": "a picture file -> its picture and what stands beside it, for each format",
    "Command Floats Samples": "abbreviations of a type, the same wherever they stand",
}
"""Names that several modules define, one meaning a line, with the reason why it is one."""
ALLOWED = {name for names in ONE_MEANING for name in names.split()}


def sources() -> list[Path]:
    return sorted(path for room in ("bitstream", "codec") for path in (ROOT / room).rglob("*.py"))


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def assigned(node: ast.stmt) -> list[str]:
    """Names that a statement of a module gives, to whatever."""
    match node:
        case ast.FunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []


NAMES = {
    module(path): {
        name for node in ast.parse(path.read_text("utf-8")).body for name in assigned(node)
    }
    for path in sources()
}


def homonyms() -> dict[str, list[str]]:
    """Public names of classes, functions and types that several modules define."""
    found = defaultdict(list)
    for where, names in NAMES.items():
        for name in names:
            if not name.startswith("_") and not name.isupper():
                found[name].append(where)
    return {name: places for name, places in found.items() if len(places) > 1}


def test_no_name_means_two_things():
    assert {name: places for name, places in homonyms().items() if name not in ALLOWED} == {}


def test_reasons_are_about_names_that_there_are():
    assert homonyms().keys() >= ALLOWED


def terms() -> Iterator[tuple[str, str]]:
    """Term and dotted name of each entry of the glossary."""
    for row in re.findall(r"^\| (.+) \|$", GLOSSARY.read_text("utf-8"), re.MULTILINE)[1:]:
        term, _, code = row.split(" | ")
        for name in re.findall(r"`([\w.]+)`", code):
            yield term, name


@pytest.mark.parametrize(("term", "name"), list(terms()))
def test_the_glossary_names_what_exists(term, name):
    where, _, last = name.rpartition(".")
    folder = ROOT / name.replace(".", "/")
    assert last in NAMES.get(where, ()) or name in NAMES or folder.is_dir(), term


def test_terms_are_in_order():
    names = [term for term, _ in terms()]
    assert names == sorted(names)
