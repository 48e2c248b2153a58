"""Names that are no plain text: harmless on a terminal, exact in JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from codec.terminal import escaped
from tests.cli.program import PROGRAM, on_terminal

EVIL = "evil\x1b]0;pwned\x07\x1b[2J\nline\u202e.png"
NOT_UTF8 = os.fsdecode(b"caf\xe9.png")


def test_escapes():
    assert escaped("plain ü 漢 \\ text") == "plain ü 漢 \\ text"
    assert escaped("\x1b[2J\x07\r\n\t\x7f\x9b") == r"\x1b[2J\x07\r\n\t\x7f\x9b"
    assert escaped("\u2028\u202egnp.exe") == r"\u2028\u202egnp.exe"
    assert escaped(os.fsdecode(b"caf\xe9")) == r"caf\xe9"
    assert escaped("ü\u20ac", "ascii") == r"\xfc\u20ac"
    assert escaped("\ud800") == r"\ud800"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        (EVIL, "right"),
        (EVIL, "missing"),
        (NOT_UTF8, "right"),
        (NOT_UTF8, "broken"),
        ("-\x9b2J.png", "broken"),
    ],
)
def test_names_are_escaped_and_json_is_exact(folder, name, what):
    coded = str(Path(name).with_suffix(".nni"))
    if what != "missing":
        for target, source in ((name, "photo.png"), (coded, "photo.bin")):
            data = Path(source).read_bytes()
            Path(target).write_bytes(data if what == "right" else data[:40])
    Path(".program.py").write_text(PROGRAM, encoding="utf-8")
    for command, *names in (("info", coded), ("verify", coded), ("encode", name, "x")):
        status, output = on_terminal(command, "--", *names)
        assert not set(output) & set(b"\x1b\x07\x7f\x9b")
        output.decode("ascii")
        assert status == int(what != "right"), output
    process = subprocess.run(
        [sys.executable, ".program.py", "info", "--json", "-r", "."], capture_output=True
    )
    found = {json.loads(line)["input"] for line in process.stdout.splitlines()}
    assert what == "missing" or coded in found


def test_usage_errors_are_escaped_too(run):
    result = run("encode", "photo.png", "--out\x1b[2J")
    assert result.exit_code == 2
    assert "\x1b" not in result.output
    assert "\\x1b[2J" in result.output


def test_names_inside_of_files_are_escaped(run, monkeypatch):
    row = {"bytes": 1.0, "bits_per_value": 1.0, "step": None, "shape": [1], "coding": "raw"}
    name = "\x1b]0;pwned\x07fake\nline"
    facts = {"bytes": 9, "tensors": [row | {"dtype": "\x1b[31m", "name": name}]}
    monkeypatch.setattr("codec.packing.report.packed_facts", lambda *_: dict(facts))
    shown = run("weights", "info", "photo.bin").stdout
    assert "\x1b" not in shown and len(shown.splitlines()) == 3
    found = json.loads(run("weights", "info", "--json", "photo.bin").stdout)
    assert found["tensors"][0]["name"] == name


def test_a_report_on_a_name_that_is_no_text(run, monkeypatch):
    Path("photo.png").rename(NOT_UTF8)
    seen = []
    monkeypatch.setattr(
        "codec.pages.report.page.render",
        lambda name, *_: seen.append(name) or escaped(name),
    )
    result = run("encode", NOT_UTF8, "x.nni", "--report", "x.html", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["input"] == seen[0] == NOT_UTF8
    assert Path("x.html").read_text() == r"caf\xe9.png"
