"""The program as a whole: help, version, and what it does not import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import codec
from codec.cli import main

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


@pytest.mark.parametrize("command", ["", *main.commands])
def test_help_begins_with_examples(run, command):
    command = command.split()
    long = run(*command, "--help")
    assert long.exit_code == 0
    assert long.stdout.startswith("Examples:\n  nncodec ")
    assert run(*command, "-h").stdout == long.stdout


def test_unknown_command_is_a_usage_error(run):
    assert run("transmogrify").exit_code == 2
