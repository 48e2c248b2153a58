"""The program as a whole: help, version, and what it does not import."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import codec
from codec.cli import COMMANDS

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
