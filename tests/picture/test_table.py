"""Every test that docs/pictures.md names exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`(?:([\w/]+\.py)(?:::)?)?(test_\w+)?`")


def named() -> set[tuple[str, str]]:
    """Files and the tests in them that the tables name; a bare name is of the file before it."""
    found, file = set(), ""
    for match in NAMED.finditer((ROOT / "docs" / "pictures.md").read_text("utf-8")):
        file = match[1] or file
        if "test" in file:
            found.add((file, match[2] or ""))
    return found


def test_every_test_that_the_tables_name_exists():
    assert len(named()) > 40
    for file, test in named():
        folder = ROOT / "tests" / ("" if "/" in file else "picture")
        source = (folder / file).read_text("utf-8")
        assert f"def {test}(" in source if test else True, f"{file} has no {test}"
