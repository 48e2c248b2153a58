"""A folder of pictures through real worker processes, one of them killed on the way."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import codec

COUNT = 90
BAD = ("photos/0/bad.png", "photos/1/empty.png", "photos/cut.png", "photos/text.jpg")
OPTIONS = "-r photos --output-dir out -q 10 -e 0 --no-verify --json".split()
WAIT_S = 300
BEFORE_THE_KILL = 20
CLUSTER = Path(__file__).parent / "cluster.py"


def add_bad(good: Path) -> None:
    """Writes the files of BAD; one is the first half of a good one."""
    for name in BAD:
        Path(name).write_bytes(b"")
    Path("photos/cut.png").write_bytes(good.read_bytes()[:60])
    Path("photos/text.jpg").write_text("a letter")
    Path("photos/0/bad.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))


def outputs() -> list[Path]:
    return sorted(Path("out").rglob("*.nni"))


def wait_for_outputs(process: subprocess.Popen) -> None:
    deadline = time.monotonic() + WAIT_S
    while len(outputs()) < BEFORE_THE_KILL and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def worker_pids(parent: int) -> list[int]:
    """Processes that `multiprocessing` started, apart from its own helpers."""
    pids = map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split())
    return [p for p in pids if b"spawn_main" in Path(f"/proc/{p}/cmdline").read_bytes()]


def assert_all_is_there(process: subprocess.Popen, paths: list[Path]) -> None:
    """One whole output and one result for each picture; the bad ones are listed at the end."""
    out, errors = process.communicate(timeout=WAIT_S)
    assert process.returncode == 1, errors
    results = [json.loads(line) for line in out.splitlines()]
    failed = [result["input"] for result in results if "error" in result]
    encoded = [result["input"] for result in results if "error" not in result]
    assert sorted(failed) == sorted(BAD)
    assert sorted(encoded) == sorted(f"photos/{path.parent.name}/{path.name}" for path in paths)
    assert sorted(result["output"] for result in results if "output" in result) == [
        str(path) for path in outputs()
    ]
    assert all(codec.probe(path).width == 16 for path in outputs())
    lines = [line for line in errors.splitlines() if line.startswith("nncodec: ")]
    assert sorted(re.match("nncodec: (.*?): ", line)[1] for line in lines) == sorted(BAD)
    assert f"{COUNT} encoded" in errors and "4 failed" in errors


def test_a_killed_worker_process_loses_nothing(start, pictures):
    paths = pictures(COUNT)
    add_bad(paths[0])
    process = start("encode", *OPTIONS, "--jobs", "2")
    wait_for_outputs(process)
    os.kill(worker_pids(process.pid)[0], signal.SIGKILL)
    assert_all_is_there(process, paths)


@contextmanager
def cluster(environment: dict[str, str], workers: int = 2) -> Iterator[dict]:
    """Dask workers: the address of their scheduler, and their process ids."""
    process = subprocess.Popen(
        [sys.executable, CLUSTER, str(workers)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(WAIT_S)


def test_a_killed_dask_worker_loses_nothing(start, pictures, environment):
    pytest.importorskip("distributed", reason="needs the extra 'dask'")
    paths = pictures(COUNT)
    add_bad(paths[0])
    with cluster(environment) as facts:
        process = start("encode", *OPTIONS, "--engine", f"dask://{facts['address']}")
        wait_for_outputs(process)
        os.kill(facts["pids"][0], signal.SIGKILL)
        assert_all_is_there(process, paths)


def test_no_scheduler(start, pictures):
    pytest.importorskip("distributed", reason="needs the extra 'dask'")
    pictures(1)
    process = start("encode", "-r", "photos", "--engine", "dask://127.0.0.1:9")
    _, errors = process.communicate(timeout=WAIT_S)
    assert process.returncode == 1
    assert errors.endswith("nncodec: no Dask scheduler answers at 127.0.0.1:9\n")


def test_a_stopped_run_is_resumed(start, pictures):
    paths = pictures(60)
    first = start("encode", *OPTIONS, "--jobs", "2")
    wait_for_outputs(first)
    first.send_signal(signal.SIGINT)
    _, errors = first.communicate(timeout=WAIT_S)
    assert (first.returncode, errors.splitlines()[-1]) == (130, "nncodec: interrupted")
    done = outputs()
    assert not list(Path("out").rglob(".*"))

    second = start("encode", *OPTIONS, "--jobs", "2", "--resume")
    out, errors = second.communicate(timeout=WAIT_S)
    assert second.returncode == 0, errors
    results = [json.loads(line) for line in out.splitlines()]
    skipped = [result["output"] for result in results if result.get("skipped")]
    assert sorted(skipped) == [str(path) for path in done]
    assert len(results) == len(outputs()) == len(paths)


@pytest.mark.parametrize(
    ("workers", "package", "reason"),
    [
        (0, "right", "has no workers: start `dask worker "),
        (1, "missing", "cannot import nncodec (ModuleNotFoundError: "),
        (1, "other", "has nncodec 0.0.9, not "),
    ],
)
def test_a_cluster_that_cannot_work_is_one_line(
    start, pictures, environment, tmp_path, workers, package, reason
):
    pytest.importorskip("distributed", reason="needs the extra 'dask'")
    pictures(2)
    module = tmp_path / package / "codec" / "__init__.py"
    module.parent.mkdir(parents=True)
    texts = {
        "missing": "raise ModuleNotFoundError('No module named codec')",
        "other": "__version__ = '0.0.9'",
    }
    module.write_text(texts.get(package, ""))
    theirs = (
        environment if package == "right" else environment | {"PYTHONPATH": str(tmp_path / package)}
    )
    with cluster(theirs, workers) as facts:
        options = ("-r", "photos", "--engine", f"dask://{facts['address']}")
        _, errors = start("encode", *options).communicate(timeout=WAIT_S)
    assert errors.count("\n") == 1
    assert errors.startswith("nncodec: ") and reason in errors
