"""Who may import whom among the scripts, and that each can be run by its name."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.__main__ import HERE, commands, main

ROOT = HERE.parent
RANKS = ("measure", "train", "release", "compare", "conform")
"""Rooms: each imports of itself and of those before it, and none of what lies above all rooms."""
OTHERS = ("evaluate", "bdrate", "plot_rd", "fetch_kodak", "benchmark_kodak")
"""Names by which others know commands."""


def imported_rooms(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            first, _, rest = node.module.partition(".")
            if first == "scripts":
                yield from (
                    [rest.partition(".")[0]] if rest else [alias.name for alias in node.names]
                )


@pytest.mark.parametrize("room", RANKS)
def test_rooms_import_downwards_only(room: str) -> None:
    allowed = set(RANKS[: RANKS.index(room) + 1])
    for path in HERE.joinpath(room).glob("*.py"):
        assert allowed.issuperset(imported_rooms(path)), path


def test_all_commands_are_listed_with_what_they_do(capsys, monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", ["scripts"])
    main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(dict(commands())) > 30
    for name, summary in commands():
        assert summary.endswith(".") and len(summary) <= 100, name


def test_an_unknown_command_is_one_line(monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", ["scripts", "measure.nothing"])
    with pytest.raises(SystemExit, match=r"^scripts: there is no measure\.nothing"):
        main()


@pytest.mark.parametrize("name", OTHERS)
def test_names_that_others_know_still_run(name: str, tmp_path: Path) -> None:
    command = [sys.executable, ROOT / "scripts" / f"{name}.py", "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.startswith("usage:"), done.stderr
