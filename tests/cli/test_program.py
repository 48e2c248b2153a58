"""The program as a whole: help, version, and what it does not import."""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import PIL
import pytest

import codec
from codec.cli import COMMANDS, versions
from codec.decoding.engines.choice import ENGINE_VARIABLE, chosen
from codec.decoding.engines.library import LEVEL_VARIABLE
from codec.decoding.engines.threads import THREADS_VARIABLE

ROOT = Path(__file__).parents[2]


def in_new_process(code: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)


LIGHT = ["--help", "--version", "encode -h", "info photo.bin", "models", "completion fish"]


@pytest.mark.parametrize("command", LIGHT)
def test_light_commands_do_not_import_torch(folder, command):
    process = in_new_process(f"""
import os, sys
from codec.cli import main
os.chdir({str(folder)!r})
main({command.split()!r}, standalone_mode=False)
heavy = {{"torch", "PIL", "safetensors"}} & set(sys.modules)
assert not heavy, heavy
""")
    assert process.returncode == 0, process.stderr


def test_module_is_the_program(folder):
    process = subprocess.run(
        [sys.executable, "-m", "codec", "info", "--json", folder / "photo.bin"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    assert json.loads(process.stdout)["width"] == 12


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_version(run, option):
    assert run(option).stdout == f"nncodec {codec.__version__}\n"


@pytest.fixture
def engine_anew():
    chosen.cache_clear()
    yield
    chosen.cache_clear()


@pytest.mark.parametrize(
    ("engine", "threads", "text"),
    [("kernel", "1", "kernel (portable)"), ("torch", "2", "torch")],
)
def test_verbose_version_tells_what_decodes(run, monkeypatch, engine_anew, engine, threads, text):
    monkeypatch.setenv(ENGINE_VARIABLE, engine)
    monkeypatch.setenv(LEVEL_VARIABLE, "portable")
    monkeypatch.setenv(THREADS_VARIABLE, threads)
    first, *lines = run("--version", "--verbose").stdout.splitlines()
    found = {line[:14].rstrip(): line[14:] for line in lines}
    assert first == f"nncodec {codec.__version__}"
    assert (found["engine"], found["threads"]) == (text, threads)
    assert found["kernel has"].startswith("portable")
    assert found["Python"].startswith(platform.python_version())
    assert found["numpy"] == np.__version__
    assert found["Pillow"].startswith(f"{PIL.__version__}, libjpeg ")
    assert found["torch"] == version("torch")


def test_what_is_not_installed_is_said(run, monkeypatch):
    monkeypatch.setattr(versions, "LIBRARIES", ("nothing-of-that-name",))
    assert "not installed" in run("--version", "--verbose").stdout


def test_verbose_is_of_the_version(run):
    result = run("--verbose")
    assert result.exit_code == 2
    assert "--verbose goes with --version" in result.stderr


def test_no_command_is_a_usage_error(run):
    assert run("--").exit_code == 2
    assert run().output.startswith("Examples:")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_begins_with_examples(run, command):
    command = command.split()
    long = run(*command, "--help")
    assert long.exit_code == 0
    assert long.stdout.startswith("Examples:\n  nncodec ")
    assert run(*command, "-h").stdout == long.stdout


@pytest.mark.parametrize("command", ["", "encode", "weights pack"])
def test_help_of_a_command_is_its_own(run, command):
    own = run(*command.split(), "--help")
    assert run("help", *command.split()).stdout == own.stdout
    page = run("help", "--man", *command.split()).stdout
    order = [page.index(f".SH {name}\n") for name in ("NAME", "EXAMPLES", "SYNOPSIS", "OPTIONS")]
    assert order == sorted(order)
    for option in re.findall(r"^  (-\w|--[\w-]+)", own.stdout, re.M):
        assert option.replace("-", r"\-") in page


@pytest.mark.parametrize("topic", ["transmogrify", "encode fast", "weights shred"])
def test_help_of_no_command(run, topic):
    result = run("help", *topic.split())
    assert result.exit_code == 2
    assert f"there is no command {topic}" in result.stderr


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
@pytest.mark.parametrize("command", COMMANDS)
def test_man_pages_are_well_formed(run, command):
    page = run("help", "--man", command).stdout
    lint = ["mandoc", "-T", "lint", "-W", "error"]
    subprocess.run(lint, input=page, text=True, check=True, capture_output=True)


def test_unknown_command_is_a_usage_error(run):
    assert run("transmogrify").exit_code == 2
