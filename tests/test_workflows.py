"""The workflows of a public forge: they parse, and do their work by targets of the Makefile."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.M))


def steps(path: Path) -> list[dict]:
    jobs = yaml.safe_load(path.read_text("utf-8"))["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


def made(text: str) -> set[str]:
    return set(re.findall(r"^\s*make ([a-z]+)", text, re.M))


def test_there_is_one_for_each_kind_of_work():
    assert [path.stem for path in WORKFLOWS] == ["docs", "fuzz", "tests", "wheels"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_are_sound(path):
    workflow = yaml.safe_load(path.read_text("utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    assert True in workflow  # YAML 1.1 reads the key `on` so
    for job in workflow["jobs"].values():
        assert job["runs-on"]
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step)
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step.get("uses", "actions/x@v1"))
            assert made(step.get("run", "")) <= TARGETS


def test_they_call_the_targets_that_the_local_check_calls():
    called = {name for step in steps(WORKFLOWS[2]) for name in made(step.get("run", ""))}
    assert called == made((ROOT / ".ci" / "run").read_text("utf-8")) == {"check", "test", "demo"}
    every = [step for path in WORKFLOWS for step in steps(path)]
    others = {name for step in every for name in made(step.get("run", ""))}
    assert {"docs", "fuzz", "wheels"} <= others


def test_three_systems_are_tested():
    matrix = yaml.safe_load(WORKFLOWS[2].read_text("utf-8"))["jobs"]["test"]["strategy"]["matrix"]
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
