"""The plan of measurements: that it names what is there, and what is run of it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import codec
from codec.contract.contents import CONTENTS
from scripts.measure import plan
from scripts.measure.plan import Plan, Table
from scripts.release import release

ROOT = Path(__file__).parents[2]
EXPERIMENT = ROOT / "codec" / "research" / "arguments.py"
RESULTS = ROOT / "results" / codec.__version__
PLACES = {name: name for name in ("sets", "anchors", "peer", "cache", "results", "out")}
COPY = "import pathlib, sys; pathlib.Path(sys.argv[1]).open('a').write(sys.argv[2])\n"


def test_the_plan_has_every_table_of_a_trained_network() -> None:
    planned = [table.name for table in plan.load().tables]
    pending = tomllib.loads(plan.PLAN.read_text(encoding="utf-8"))["pending"]
    assert len(set(planned)) == len(planned)
    measured = {path.name for path in RESULTS.glob("*.tsv")}
    assert set(planned) - measured == set(pending)
    assert {path.name for path in RESULTS.glob("*nncodec*.tsv")} <= set(planned)


def test_commands_name_scripts_and_their_options() -> None:
    loaded = plan.load()
    assert {table.content for table in loaded.tables} == set(CONTENTS) | {"lossless"}
    commands = [command for table in loaded.tables for command in table.commands]
    for command in (*commands, *loaded.documents):
        script, *arguments = plan.filled(command, PLACES)
        path = ROOT.joinpath("scripts", *script.split(".")).with_suffix(".py")
        text = path.read_text(encoding="utf-8")
        if found := re.search(r'run_module\("codec\.research\.(\w+)"', text):
            text += (ROOT / "codec" / "research" / f"{found[1]}.py").read_text(encoding="utf-8")
        if "experiment_parser(" in text:
            text += EXPERIMENT.read_text(encoding="utf-8")
        options = [argument for argument in arguments if argument.startswith("--")]
        assert all(f'"{option}"' in text for option in options), command


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A script that adds its second argument to a file."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "__init__.py").touch()
    (tmp_path / "scripts" / "add.py").write_text(COPY)
    (tmp_path / "scripts" / "fail").write_text("raise SystemExit(1)\n")
    monkeypatch.setattr(plan, "ROOT", tmp_path)
    return tmp_path


def test_only_what_is_missing_is_made(scripts: Path) -> None:
    results = scripts / "results"
    results.mkdir()
    (results / "old.tsv").write_text("kept")
    tables = Plan(
        (
            Table("old.tsv", "learned", ("add {out} lost",)),
            Table("new.tsv", "learned", ("add {out} 'a,b '", "add {out} {sets}")),
            Table("other.tsv", "jpeg", ("add {out} other",)),
        ),
        ("add {results}/document text",),
    )
    plan.remeasure(tables, results, {"sets": "DIR"}, only=("new.tsv",))
    assert (results / "new.tsv").read_text() == "a,b DIR"
    assert not (results / "other.tsv").exists() and not (results / "document").exists()
    plan.remeasure(tables, results, {"sets": "DIR"}, only=())
    found = {path.name: path.read_text() for path in results.iterdir() if path.is_file()}
    texts = {"old.tsv": "kept", "new.tsv": "a,b DIR", "other.tsv": "other", "document": "text"}
    assert found == texts


def test_a_table_that_fails_stays_unfinished(
    scripts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = scripts / "results"
    table = Table("new.tsv", "learned", ("add {out} half", "fail"))
    monkeypatch.setattr(plan, "load", lambda: Plan((table,), ()))
    places = ["--sets", "a", "--anchors", "b", "--peer", "c", "--out", str(results)]
    monkeypatch.setattr("sys.argv", ["plan", *places])
    with pytest.raises(SystemExit, match=r"^plan: fail failed$"):
        plan.main()
    assert not (results / "new.tsv").exists()
    assert (results / plan.UNFINISHED / "new.tsv").read_text() == "half"


def test_a_release_removes_tables_of_its_contents(tmp_path: Path) -> None:
    names = ("kodak-nncodec.tsv", "kodak-nncodec-jpeg.tsv", "updates.tsv", "kodak-jpeg.tsv")
    unfinished = tmp_path / plan.UNFINISHED / "effort.tsv"
    unfinished.parent.mkdir()
    for path in (unfinished, *(tmp_path / name for name in names)):
        path.touch()
    release.remove_stale(tmp_path, {"learned"})
    left = {path.name for path in tmp_path.rglob("*.tsv")}
    assert left == {"kodak-nncodec-jpeg.tsv", "kodak-jpeg.tsv"}
