from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def test_info_json_keys_are_stable(run):
    size = Path("photo.bin").stat().st_size
    facts = json.loads(run("info", "--json", "photo.bin").stdout)
    assert facts == {
        "input": "photo.bin",
        "width": 12,
        "height": 8,
        "bytes": size,
        "bpp": 8 * size / (12 * 8),
        "quality": 50.5,
        "model": "01020304",
        "format_version": 1,
        "chunks": {"update": 3, "content": 288},
        "shared_update": None,
        "pixels": None,
        "content": "",
        "depth": 8,
    }


def test_info_text(run):
    lines = run("info", "photo.bin").stdout.splitlines()
    assert "width           12" in lines
    assert "quality         50.5" in lines
    assert "content chunk   288 B" in lines


def test_info_reads_a_stream(run):
    result = run("info", "-", stdin=Path("photo.bin").read_bytes())
    assert result.exit_code == 0


def test_verify_writes_nothing(run, folder):
    before = sorted(folder.iterdir())
    result = run("verify", "photo.bin")
    assert (result.exit_code, result.stdout) == (0, "photo.bin: ok  12 x 8\n")
    assert sorted(folder.iterdir()) == before


def test_verify_quiet(run):
    result = run("verify", "--quiet", "photo.bin")
    assert (result.exit_code, result.output) == (0, "")


def test_verify_prints_the_metrics_that_judge_such_a_picture(run, pixels):
    same = run("verify", "photo.bin", "--against", "photo.png").stdout
    assert same == "photo.bin: ok  12 x 8  PSNR inf dB  SSIMULACRA2 100.00\n"
    Image.fromarray(pixels ^ 1).save("close.png")
    close = run("verify", "photo.bin", "--against", "close.png").stdout
    assert close.startswith("photo.bin: ok  12 x 8  PSNR 48.13 dB  SSIMULACRA2 9")


def test_verify_against_another_size(run):
    Image.fromarray(np.zeros((3, 3, 3), np.uint8)).save("small.png")
    result = run("verify", "photo.bin", "--against", "small.png")
    assert result.exit_code == 1
    assert result.stderr == "nncodec: small.png: is not 12 x 8, the size of photo.bin\n"


@pytest.mark.parametrize("command", ["info", "verify"])
def test_damage_is_found(run, command):
    data = bytearray(Path("photo.bin").read_bytes())
    data[40] ^= 1
    Path("photo.bin").write_bytes(data)
    result = run(command, "photo.bin")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("nncodec: photo.bin: damaged")
