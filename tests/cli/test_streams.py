"""Streams, pipes and devices, closed or full ones, and the warnings of libraries."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.program import PROGRAM, on_terminal

Shell = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def shell(folder) -> Shell:
    """Runs a line of a shell, in which `nncodec` is the program, against the fake codec."""

    def run(line: str, *arguments: str) -> subprocess.CompletedProcess:
        (folder / ".program.py").write_text(PROGRAM, encoding="utf-8")
        function = f'nncodec() {{ {sys.executable} .program.py "$@"; }}\n'
        return subprocess.run(
            ["bash", "-o", "pipefail", "-c", function + line, "bash", *arguments],
            capture_output=True,
            timeout=120,
            cwd=folder,
        )

    return run


def pixels_of(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(data)))


@pytest.mark.parametrize(
    "line",
    [
        "nncodec decode photo.bin -",
        "nncodec decode photo.bin /dev/stdout",
        "nncodec decode photo.bin /dev/stdout | cat",
        "nncodec decode photo.bin /dev/fd/1 | cat",
        "nncodec decode photo.bin -o /proc/self/fd/1 | cat",
        "nncodec decode photo.bin /dev/stdout >out.png && cat out.png",
        "nncodec decode photo.bin >(cat) | cat",
        "nncodec decode <(cat photo.bin) /dev/stdout",
        "mkfifo pipe; nncodec decode photo.bin pipe & cat pipe; wait $!",
        "mkfifo pipe; ln -s pipe link; nncodec decode -f photo.bin link & cat pipe; wait $!",
        "mkfifo pipe; cat photo.bin >pipe & nncodec decode pipe -",
    ],
)
def test_streams_and_pipes_are_written_as_they_are(shell, pixels, line):
    result = shell(line)
    assert result.returncode == 0, result.stderr
    assert np.array_equal(pixels_of(result.stdout), pixels)


def test_a_pipe_stays_a_pipe(shell, folder):
    result = shell("mkfifo pipe; nncodec encode photo.png pipe & cat pipe >x; wait $!")
    assert result.returncode == 0, result.stderr
    assert stat.S_ISFIFO(os.stat("pipe").st_mode)
    assert Path("x").read_bytes() == Path("photo.bin").read_bytes()


def test_what_stands_in_an_open_file_stays(shell):
    result = shell("{ echo before; nncodec encode photo.png /dev/stdout; } >out; cat out")
    assert result.stdout == b"before\n" + Path("photo.bin").read_bytes()


def test_devices_are_written_without_force(shell):
    assert shell("nncodec decode photo.bin /dev/null").returncode == 0
    assert Path("/dev/null").is_char_device()
    result = shell("nncodec decode photo.bin /dev/full")
    assert result.returncode == 1
    assert result.stderr == (b"nncodec: /dev/full: cannot be written: No space left on device\n")


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1"])
def test_binary_data_is_not_sent_to_a_terminal(folder, name):
    Path(".program.py").write_text(PROGRAM, encoding="utf-8")
    status, output = on_terminal("decode", "photo.bin", name)
    assert (status, b"not written to a terminal" in output) == (1, True)


@pytest.mark.parametrize("closed", ["2>&-", ">&-", ">&- 2>&-", "<&- >&- 2>&-", "2>/dev/full"])
@pytest.mark.parametrize("command", ["encode photo.png out.nni", "decode photo.bin out.png"])
def test_files_are_written_whatever_streams_are_closed(shell, closed, command):
    result = shell(f"nncodec {command} {closed}")
    assert result.returncode == 0, result.stderr
    out = Path(command.split()[-1])
    assert out.stat().st_size > 0
    if out.suffix == ".nni":
        assert out.read_bytes() == Path("photo.bin").read_bytes()


def test_closed_streams_that_are_needed_are_named(shell):
    result = shell("nncodec decode photo.bin - >&-")
    assert result.returncode == 1
    assert result.stderr == b"nncodec: -: standard output is closed\n"
    result = shell("nncodec decode - out.png <&-")
    assert (result.returncode, result.stderr.count(b"\n")) == (1, 1)


@pytest.mark.parametrize(
    "command",
    [
        "info --json photo.bin",
        "info photo.bin",
        "encode --json photo.png out.nni",
        "models",
        "models --json",
        "--help",
        "completion bash",
    ],
)
def test_a_full_device_is_one_line(shell, command):
    result = shell(f"nncodec {command} >/dev/full")
    assert result.returncode == 1
    assert result.stderr == b"nncodec: standard output: No space left on device\n"
    if command.startswith("encode"):
        assert Path("out.nni").read_bytes() == Path("photo.bin").read_bytes()


def test_results_on_a_closed_stream_are_a_failure(shell):
    result = shell("nncodec info photo.bin >&-")
    assert (result.returncode, result.stderr) == (1, b"nncodec: standard output: is closed\n")
    assert shell("nncodec info photo.bin >&- 2>&-").returncode == 1


def test_a_reader_that_leaves_is_no_error_message(shell):
    result = shell("nncodec models | true")
    assert result.stderr == b""


@pytest.mark.parametrize(
    "arguments",
    [
        ("encode", ""),
        ("decode", ""),
        ("info", ""),
        ("verify", ""),
        ("strip", ""),
        ("bench", ""),
        ("encode", "photo.png", ""),
        ("encode", "photo.png", "-o", ""),
        ("encode", "photo.png", "x.nni", "--report", ""),
        ("decode", "photo.bin", ""),
        ("enhance", "", "photo.png"),
        ("enhance", "photo.png", ""),
        ("verify", "photo.bin", "--against", ""),
        ("weights", "pack", "", "out"),
        ("weights", "pack", "photo.png", ""),
        ("weights", "unpack", "", "out"),
        ("weights", "info", ""),
        ("view", ""),
    ],
)
def test_an_empty_name_is_one_line(run, arguments):
    result = run(*arguments)
    assert result.exit_code == 1, result.output
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("nncodec: ''")


def test_an_empty_name_stops_no_other(run):
    result = run("encode", "--jobs", "1", "", "photo.png", "photo.png")
    assert result.exit_code == 1
    assert "nncodec: '': No such file or directory\n" in result.stderr
    assert Path("photo.nni").exists()


def test_warnings_of_libraries_are_one_line_each(shell, run, monkeypatch):
    def warning(*_: object) -> dict[str, object]:
        for _ in range(3):
            warnings.warn("odd\nEXIF \x1b[2J", UserWarning, stacklevel=1)
        return {"tensors": []}

    monkeypatch.setattr("codec.packing.report.packed_facts", warning)
    before = warnings.showwarning, list(warnings.filters)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        result = run("weights", "info", "photo.bin")
    assert result.stderr == "nncodec: warning: odd EXIF \\x1b[2J\n"
    assert (warnings.showwarning, list(warnings.filters)) == before


def test_quiet_leaves_warnings_out(run, monkeypatch):
    def pack(*_: object) -> bytes:
        warnings.warn("odd", UserWarning, stacklevel=1)
        return b"packed"

    monkeypatch.setattr("codec.packing.Checkpoint.parse", lambda _data: None)
    monkeypatch.setattr("codec.packing.pack", pack)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        result = run("weights", "pack", "--quiet", "photo.bin", "out")
    assert (result.exit_code, result.stderr) == (0, "")


def test_reading_pictures_in_threads_leaves_the_filters_of_warnings(folder, pixels):
    from codec.picture import reading, standard

    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    before = list(warnings.filters)

    def read() -> None:
        for _ in range(30):
            reading.read_raster("photo.png")
            standard.read_pixels(file.getvalue())
            standard.read_metadata(file.getvalue())

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before
