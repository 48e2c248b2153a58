r"""Measures all tables that depend on trained networks, and fills the documents from them.

    python -m scripts measure.plan --sets DIR --anchors DIR --peer PYTHON --out results/0.1.0

What is measured, and how, is in configs/measurements.toml.  A table that is there is not measured
again; scripts/release/release.py removes those of the models before.  One that is not finished is
in the folder `unfinished`; most of them are carried on with from there.  It all takes hours: to
share the work, run it at the same time for different tables (--only), and then once without.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLAN = ROOT / "configs" / "measurements.toml"
UNFINISHED = "unfinished"


@dataclass(frozen=True)
class Table:
    """A table of results: its file, the content it is of, and the commands that write it."""

    name: str
    content: str
    commands: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """All tables, and the commands that fill the documents from them."""

    tables: tuple[Table, ...]
    documents: tuple[str, ...]


def load() -> Plan:
    """Reads the plan."""
    plan = tomllib.loads(PLAN.read_text(encoding="utf-8"))
    tables = (
        Table(table["name"], table["content"], tuple(table["commands"])) for table in plan["table"]
    )
    return Plan(tuple(tables), tuple(plan["documents"]))


def filled(command: str, places: Mapping[str, str]) -> list[str]:
    """Script and arguments of a command of the plan."""
    return [part.format_map(places) for part in shlex.split(command)]


def run_script(name: str, *arguments: object) -> None:
    """Runs another script, `measure.effort` say; its failure ends this one too."""
    command = [sys.executable, "-m", f"scripts.{name}", *arguments]
    if subprocess.run([str(part) for part in command], cwd=ROOT, check=False).returncode:
        raise SystemExit(f"{Path(sys.argv[0]).stem}: {name} failed")


def remeasure(plan: Plan, results: Path, places: Mapping[str, str], only: Collection[str]) -> None:
    """Makes what is not there of the tables named in `only`; if none is, all, and the documents."""
    places = {**places, "results": str(results)}
    unfinished = results / UNFINISHED
    unfinished.mkdir(parents=True, exist_ok=True)
    for table in plan.tables:
        if (results / table.name).exists() or (only and table.name not in only):
            continue
        print(f"remeasure: {table.name}", file=sys.stderr)
        out = unfinished / table.name
        for command in table.commands:
            run_script(*filled(command, places | {"out": str(out)}))
        out.replace(results / table.name)
    if not only:
        for command in plan.documents:
            run_script(*filled(command, places))


def main() -> None:
    plan = load()
    names = [table.name for table in plan.tables]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", type=Path, required=True, metavar="DIR")
    parser.add_argument("--anchors", type=Path, required=True, metavar="DIR")
    parser.add_argument("--peer", required=True, metavar="PYTHON", help="has PyPI's nncodec")
    parser.add_argument("--cache", type=Path, default=Path("runs/contents"), metavar="DIR")
    parser.add_argument("--only", nargs="+", default=(), choices=names, metavar="TABLE")
    parser.add_argument("--out", type=Path, required=True, metavar="results/VERSION")
    args = parser.parse_args()
    places = {name: str(getattr(args, name)) for name in ("sets", "anchors", "peer", "cache")}
    remeasure(plan, args.out, places, args.only)


if __name__ == "__main__":
    main()
