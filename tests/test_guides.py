"""What CONTRIBUTING.md, SECURITY.md, CITATION.cff and the map of the code name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import codec
from tests.test_layering import RANKS

ROOT = Path(__file__).parents[1]
GUIDES = ("CONTRIBUTING.md", "SECURITY.md", "docs/code-map.md")
LINK = re.compile(r"\]\(([^)#]+)\)")
CODE = re.compile(r"`((?:bitstream|codec|scripts|tests|configs|docs)/[\w./-]*)`")
COMMAND = re.compile(r"python -m scripts ([\w.]+)")


@pytest.mark.parametrize("name", GUIDES)
def test_files_that_are_named_exist(name: str) -> None:
    path = ROOT / name
    text = path.read_text(encoding="utf-8")
    links = [path.parent / link for link in LINK.findall(text) if "://" not in link]
    named = links + [ROOT / code for code in CODE.findall(text)]
    assert named and not [found for found in named if not found.exists()]
    for command in COMMAND.findall(text):
        assert (ROOT / "scripts" / command.replace(".", "/")).with_suffix(".py").exists(), command


def test_the_map_has_every_room() -> None:
    text = (ROOT / "docs" / "code-map.md").read_text(encoding="utf-8")
    for room in RANKS:
        folder = room.replace(".", "/")
        if (ROOT / folder).is_dir() and room != "codec":
            assert f"`{folder}/`" in text, room
        elif (ROOT / f"{folder}.py").exists() and not room.endswith("__main__"):
            assert f"`{folder}.py`" in text, room


def test_the_citation_is_of_this_version() -> None:
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"\nversion: {codec.__version__}\n" in text
    (date,) = re.findall(r"^date-released: (.+)$", text, re.MULTILINE)
    assert f"## [{codec.__version__}] - {date}" in changes
