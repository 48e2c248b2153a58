"""The rules about who may import whom, and how long a file may be."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LONGEST_FILE_LINES = 400


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported_packages(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("path", sources("bitstream"), ids=name)
def test_bitstream_knows_neither_networks_nor_pixels(path):
    assert {"codec", "torch", "PIL"}.isdisjoint(imported_packages(parse(path)))


@pytest.mark.parametrize("path", sources("bitstream", "codec", "scripts", "tests"), ids=name)
def test_files_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE_LINES


LIBRARY = [path for path in sources("bitstream", "codec") if path.parent.name != "cli"]


@pytest.mark.parametrize("path", LIBRARY, ids=name)
def test_libraries_do_not_print(path):
    calls = (node.func for node in ast.walk(parse(path)) if isinstance(node, ast.Call))
    assert "print" not in {call.id for call in calls if isinstance(call, ast.Name)}


def test_importing_codec_does_not_import_torch():
    code = "import sys, codec; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
