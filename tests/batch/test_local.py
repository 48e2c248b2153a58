"""The worker processes: every job has one result, whatever happens to them."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from pathlib import Path

import pytest

from codec.batch.local import ATTEMPTS, run
from codec.batch.results import Decoded, Failed
from codec.batch.threads import cores
from tests.batch.toy_jobs import ToyJob

OWN_CHOICE = 0
"""Of threads: so that torch need not be imported."""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def starts(log: Path) -> Counter[str]:
    return Counter(log.read_text().split())


def names(count: int) -> list[str]:
    return [f"job-{index}" for index in range(count)]


def test_every_job_runs_once(log):
    results = list(run([ToyJob(n, str(log)) for n in names(50)], workers=2, threads=OWN_CHOICE))
    assert sorted(result.input for result in results) == sorted(names(50))
    assert starts(log) == Counter(names(50))
    assert len({result.height for result in results}) == 2  # processes
    assert not multiprocessing.active_children()


def test_a_killed_process_loses_nothing(log):
    jobs = [
        ToyJob(n, str(log), "die once" if i % 5 == 0 else "work") for i, n in enumerate(names(20))
    ]
    results = list(run(jobs, workers=2, threads=OWN_CHOICE))
    assert sorted(result.input for result in results) == sorted(names(20))
    assert all(isinstance(result, Decoded) for result in results)
    repeated = {result.input for result in results if result.width == 2}
    assert repeated == set(names(20)[::5])
    assert starts(log) == Counter(names(20)) + Counter(repeated)


@pytest.mark.parametrize(("action", "end"), [("die", "signal 9"), ("exit", "exit code 3")])
def test_a_job_that_always_kills_its_process_is_given_up(log, action, end):
    jobs = [ToyJob("bad", str(log), action), ToyJob("good", str(log))]
    results = {result.input: result for result in run(jobs, workers=2, threads=OWN_CHOICE)}
    assert isinstance(results["good"], Decoded)
    assert isinstance(results["bad"], Failed)
    assert results["bad"].error.startswith(f"bad: {ATTEMPTS} worker processes were ")
    assert end in results["bad"].error
    assert starts(log) == {"bad": ATTEMPTS, "good": 1}


def test_a_refusal_is_a_result(log):
    jobs = [ToyJob("bad", str(log), "refuse"), ToyJob("good", str(log))]
    results = {result.input: result for result in run(jobs, workers=1, threads=OWN_CHOICE)}
    assert results["bad"] == Failed("bad", "bad: refused")
    assert starts(log) == {"bad": 1, "good": 1}


def test_no_process_stays_when_the_caller_stops(log):
    results = run(
        [ToyJob("a", str(log)), *(ToyJob(n, str(log), "sleep") for n in names(4))],
        workers=2,
        threads=OWN_CHOICE,
    )
    assert next(results).input == "a"
    results.close()
    assert not multiprocessing.active_children()


def test_no_jobs_need_no_processes():
    assert list(run([], workers=8, threads=OWN_CHOICE)) == []


def test_cores_are_those_that_may_be_used(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: {0, 3, 5}, raising=False)
    assert cores() == 3
