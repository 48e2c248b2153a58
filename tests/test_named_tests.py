"""Every test that a table of the documents names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests"
NAMED = re.compile(r"`(?:([\w/]+\.py)(?:::)?)?(test_\w+)?(?:\[[^`]*\])?`")
DOCUMENTS = {"pictures.md": 60, "robustness.md": 50, "hostile-input.md": 13}
"""How many at least."""


def named(document: str) -> set[tuple[str, str]]:
    """Files and the tests in them; a bare name is of the file before it, as a file alone is."""
    found, file = set(), ""
    for match in NAMED.finditer((ROOT / "docs" / document).read_text("utf-8")):
        path, test = match[1] or "", match[2] or ""
        if path.rpartition("/")[2].startswith("test_"):
            file = path
        if file and (test or path == file):
            found.add((file, test))
    return found


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_test_that_a_table_names_exists(document: str) -> None:
    tests = named(document)
    assert len(tests) >= DOCUMENTS[document]
    for file, test in tests:
        sources = [path.read_text("utf-8") for path in TESTS.rglob(file)]
        assert sources, f"there is no {file}"
        exists = not test or any(f"def {test}(" in source for source in sources)
        assert exists, f"{file} has no {test}"
