"""Faults while a real process works: the old output stays, and nothing stays beside it.

Only `kill -9` may leave something: a hidden file whose name says that it is partial.
"""

from __future__ import annotations

import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
MODEL_FILE = ROOT / "tests" / "vectors" / "models" / "tiny" / "model.safetensors"
PARTIAL_NAME = re.compile(r"\.[0-9a-f]{16}\.part")
OLD = b"the old output"
INTERRUPTED = 130
WAIT_S = 120

PROGRAM = f"""
from pathlib import Path
from codec.models import released
from codec.cli import main
released.load_default = lambda content: released.load_file(Path({str(MODEL_FILE)!r}))
main(prog_name="nncodec")
"""
"""The command line, but that it encodes with the tiny model."""

REWRITER = """
import sys
from codec import files
print("ready", flush=True)
while True:
    for letter in (b"a", b"b"):
        with files.open_output(sys.argv[1], force=True) as file:
            for _ in range(50):
                file.write(letter * 1000)
"""
"""Replaces a file again and again, by 50 kB that are all the same letter."""

Start = Callable[..., subprocess.Popen]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Start]:
    """Starts a Python program in a folder with photo.png, photo.bin and two old outputs."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8))
    coarse.resize((64, 48)).save(tmp_path / "photo.png")
    vector = MODEL_FILE.parents[2] / "v1" / "valid" / "kernels-dense.bin"
    (tmp_path / "photo.bin").write_bytes(vector.read_bytes())
    for name in ("old.bin", "old.png"):
        (tmp_path / name).write_bytes(OLD)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("NNCODEC_MODELS", str(MODEL_FILE.parents[1]))

    def begin(code: str, *arguments: str, **settings: object) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **settings,
        )
        started.append(process)
        return process

    started: list[subprocess.Popen] = []
    yield begin
    for process in started:  # that a failed test left running
        process.kill()
        process.communicate()


@pytest.fixture(params=["encode", "decode"])
def job(request: pytest.FixtureRequest) -> tuple[tuple[str, ...], str, str]:
    """Subcommand without a search, its input, and an output that exists."""
    jobs = {
        "encode": (("encode", "-e", "0"), "photo.png", "old.bin"),
        "decode": (("decode",), "photo.bin", "old.png"),
    }
    return jobs[request.param]


def finish(process: subprocess.Popen) -> tuple[int, str]:
    """Exit code and standard error."""
    _, errors = process.communicate(timeout=WAIT_S)
    return process.returncode, errors


def assert_failed(process: subprocess.Popen, message: str) -> None:
    code, errors = finish(process)
    assert code == 1, errors
    assert errors.startswith("nncodec: ") and errors.count("\n") == 1
    assert message in errors


def assert_untouched(target: str) -> None:
    assert Path(target).read_bytes() == OLD
    assert not [name for name in os.listdir() if name.startswith(".")]


def replace_by_pipe(source: str) -> bytes:
    """Puts a named pipe in place of a file, so that reading it waits; returns what was in it."""
    content = Path(source).read_bytes()
    Path(source).unlink()
    os.mkfifo(source)
    return content


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_a_random_moment(start, job, seed):
    command, source, target = job
    process = start(PROGRAM, *command, "-f", source, target)
    time.sleep(random.Random(f"{command[0]}/{seed}").uniform(0.2, 3))
    process.kill()
    finish(process)
    content = Path(target).read_bytes()
    if content != OLD:  # it had finished, or was about to exit: then the output is whole
        again = f"again{Path(target).suffix}"
        assert finish(start(PROGRAM, *command, source, again))[0] == 0
        assert content == Path(again).read_bytes()
    hidden = [name for name in os.listdir() if name.startswith(".")]
    assert all(PARTIAL_NAME.fullmatch(name) for name in hidden)


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("seed", range(5))
def test_stopped_while_writing(start, fault, seed):
    process = start(REWRITER, "target")
    assert process.stdout.readline() == "ready\n"
    time.sleep(random.Random(seed).uniform(0.02, 0.3))
    process.send_signal(fault)
    assert finish(process)[0] == -fault
    if Path("target").exists():
        assert Path("target").read_bytes() in (b"a" * 50_000, b"b" * 50_000)
    hidden = [name for name in os.listdir() if name.startswith(".")]
    assert all(PARTIAL_NAME.fullmatch(name) for name in hidden)
    assert len(hidden) <= (fault == signal.SIGKILL)


def test_interrupted_while_reading(start, job):
    command, source, target = job
    replace_by_pipe(source)
    process = start(PROGRAM, *command, "-f", source, target)
    with open(source, "wb"):  # returns once the program has opened the other end
        process.send_signal(signal.SIGINT)
        assert finish(process) == (INTERRUPTED, "nncodec: interrupted\n")
    assert_untouched(target)


def test_interrupted_while_searching(start):
    content = replace_by_pipe("photo.png")
    process = start(PROGRAM, "encode", "-f", "-e", "9", "photo.png", "old.bin")
    Path("photo.png").write_bytes(content)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    assert finish(process) == (INTERRUPTED, "nncodec: interrupted\n")
    assert_untouched("old.bin")


def test_disk_full(start, job):
    """A limit on the size of files stands in for a full disk: writing fails half way."""
    command, source, target = job

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))

    assert_failed(start(PROGRAM, *command, "-f", source, target, preexec_fn=limit), "written")
    assert_untouched(target)


def test_no_output_folder(start, job):
    command, source, _ = job
    target = "nowhere/" + job[2]
    assert_failed(start(PROGRAM, *command, source, target), "the folder nowhere does not exist")
    assert not Path("nowhere").exists()


def test_output_folder_vanishes(start, job):
    command, source, target = job
    Path("folder").mkdir()
    content = replace_by_pipe(source)
    process = start(PROGRAM, *command, source, f"folder/{target}")
    with open(source, "wb") as pipe:
        Path("folder").rmdir()
        pipe.write(content)
    assert_failed(process, "the folder folder does not exist")
    assert not Path("folder").exists()


def test_input_replaced_by_another_file_while_reading(start, job):
    """What was opened is what is read: the new file comes too late."""
    command, source, target = job
    content = replace_by_pipe(source)
    process = start(PROGRAM, *command, "-f", source, target)
    with open(source, "wb") as pipe:
        pipe.write(content[:10])
        Path("other").write_bytes(b"other")
        os.replace("other", source)
        pipe.write(content[10:])
    code, errors = finish(process)
    assert code == 0, errors
    assert len(Path(target).read_bytes()) > len(OLD)
    assert Path(source).read_bytes() == b"other"


def test_input_changes_while_reading(start, job):
    command, source, target = job
    content = replace_by_pipe(source)
    process = start(PROGRAM, *command, "-f", source, target)
    with open(source, "wb") as pipe:
        pipe.write(content[: len(content) // 2])
        pipe.write(content[: len(content) // 2 : -1])
    assert_failed(process, source)
    assert_untouched(target)
