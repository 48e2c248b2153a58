"""`models`, `bench` and `completion`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from codec.decoding.engines import choice, library
from codec.errors import EngineError
from codec.models import registry

ROOT = Path(__file__).parents[2]


def engine_line(run) -> str:
    return run("models").stdout.rstrip("\n").splitlines()[-1]


def test_models_names_the_engine_and_its_instruction_set(run, monkeypatch):
    assert engine_line(run) == f"decoded by {choice.chosen().name}"
    monkeypatch.setattr(choice, "chosen", choice.chosen.__wrapped__)
    monkeypatch.setenv(choice.ENGINE_VARIABLE, "torch")
    assert engine_line(run) == "decoded by torch"


def test_models_names_the_instruction_set_that_is_forced(run, monkeypatch):
    try:
        library.load_kernel()
    except OSError:
        pytest.skip("there is no kernel")
    monkeypatch.setattr(choice, "chosen", choice.chosen.__wrapped__)
    monkeypatch.setenv(library.LEVEL_VARIABLE, "portable")
    assert engine_line(run) == "decoded by kernel (portable)"


def test_models_says_where_nothing_can_decode(run, monkeypatch):
    def nothing() -> None:
        raise EngineError("no engine runs here: no kernel")

    monkeypatch.setattr(choice, "chosen", nothing)
    assert engine_line(run) == "decoded by nothing: no engine runs here: no kernel"


def test_models_are_those_of_the_registry(run):
    entry, *others = json.loads(run("models", "--json").stdout)
    assert entry["content"] == "learned"
    assert len({other["content"] for other in others} - {"learned"}) == len(others)
    assert entry["licence"] == "apache-2.0"
    assert entry["training_data"].startswith("659 pictures from 553 photographs")
    file = registry.PRETRAINED / entry["name"] / "model.safetensors"
    assert entry["bytes"] == file.stat().st_size
    lines = run("models").stdout.split("\n\n")[0].splitlines()
    assert lines[0].split()[:3] == [entry["name"], "id", entry["id"]]
    assert " ".join(" ".join(lines[1:]).split()) == entry["training_data"]


def test_every_model_has_a_card_that_says_where_it_comes_from():
    for entry in registry.entries():
        assert entry.licence and entry.training_data


def test_bench(run, folder, monkeypatch):
    monkeypatch.setattr("codec.models.released.load_default", lambda _content: None)
    shutil.copy("photo.png", "other.png")
    before = sorted(folder.iterdir())
    facts = json.loads(run("bench", "--json", ".").stdout)
    assert [image["input"] for image in facts["images"]] == ["other.png", "photo.png"]
    assert facts["mean"]["bpp"] == 2.25
    means = {"psnr_db": None, "ssimulacra2": 100, "ms_ssim": None}
    assert means.items() <= facts["mean"].items()
    assert means.items() <= facts["images"][0].items()
    assert facts["failed"] == []
    lines = run("bench", ".").stdout.splitlines()
    assert len(lines) == 4
    assert lines[-1].endswith("mean of 2")
    assert lines[0].split()[:5] == ["bpp", "PSNR", "(dB)", "SSIMULACRA2", "MS-SSIM"]
    # The fake decodes to equal pixels, too few of them for MS-SSIM.
    assert lines[1].split()[:4] == ["2.250", "inf", "100.00", "–"]
    assert sorted(folder.iterdir()) == before


def test_bench_goes_on_after_a_bad_picture(run, monkeypatch):
    monkeypatch.setattr("codec.models.released.load_default", lambda _content: None)
    Path("bad.png").write_bytes(b"hello")
    result = run("bench", ".")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1].endswith("mean of 1")
    assert result.stderr == "nncodec: bad.png: is not an image that can be read\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(run, shell):
    assert "_NNCODEC_COMPLETE" in run("completion", shell).stdout


def test_completions_are_those_of_the_program():
    asked = {"_NNCODEC_COMPLETE": "bash_complete", "COMP_WORDS": "nncodec ver", "COMP_CWORD": "1"}
    process = subprocess.run(
        [sys.executable, "-m", "codec"],
        cwd=ROOT,
        env=os.environ | asked,
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout == "plain,verify\n"
