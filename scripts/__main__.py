"""Runs a script by its name, `python -m scripts measure.effort`; without one, lists them."""

from __future__ import annotations

import ast
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent


def commands() -> Iterator[tuple[str, str]]:
    """Names of all scripts that can be run, and what each does."""
    for path in [HERE / "demo.py", HERE / "report.py", *sorted(HERE.glob("*/*.py"))]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body):
            name = ".".join(path.relative_to(HERE).with_suffix("").parts)
            yield name, (ast.get_docstring(tree) or "").partition("\n")[0]


def main() -> None:
    known = dict(commands())
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        for name, summary in known.items():
            print(f"  {name:28}{summary}")
        return
    name = sys.argv.pop(1)
    if name not in known:
        raise SystemExit(f"scripts: there is no {name}; `python -m scripts` lists all")
    runpy.run_module(f"scripts.{name}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
