from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from codec.cli.console import Progress, Speech
from codec.contract.modes import Lossy
from codec.contract.options import EncodeOptions


def test_writes_the_file_and_one_line(run, folder):
    Path("photo.bin").unlink()
    result = run("encode", "photo.png", "photo.bin")
    size = Path("photo.bin").stat().st_size
    assert result.exit_code == 0
    assert result.stdout == ""
    assert result.stderr == f"photo.png -> photo.bin  {size} B  2.250 bpp  34.93 dB  9.8 s\n"


def test_quiet_says_nothing(run, fake):
    result = run("encode", "--quiet", "photo.png", "out.bin")
    assert (result.exit_code, result.output) == (0, "")


def test_defaults_are_those_of_the_api(run, fake):
    run("encode", "photo.png", "out.bin")
    assert fake.encode_options == EncodeOptions()


def test_options_reach_the_codec(run, fake):
    run("encode", *"-q 70.5 -e 9 --no-update --no-verify --device cpu photo.png out.bin".split())
    assert fake.encode_options == EncodeOptions(Lossy(70.5), 9, "none", False, "cpu")
    run("encode", *"--tune ssimulacra2 photo.png tuned.bin".split())
    assert fake.encode_options == EncodeOptions(tune="ssimulacra2")


def test_threads_reach_torch(run, monkeypatch):
    torch = pytest.importorskip("torch")
    counts = []
    monkeypatch.setattr(torch, "set_num_threads", counts.append)
    assert run("encode", "-T", "3", "photo.png", "a.bin").exit_code == 0
    assert run("encode", "-T", "0", "photo.png", "b.bin").exit_code == 0
    assert counts == [3]


def test_json(run):
    result = run("encode", "--json", "--quiet", "photo.png", "out.bin")
    assert json.loads(result.stdout) == {
        "input": "photo.png",
        "output": "out.bin",
        "bytes": Path("out.bin").stat().st_size,
        "update_bytes": 3,
        "bpp": 2.25,
        "psnr_db": 34.934,
        "seconds": 9.81,
        "quality": 50.0,
        "note": "",
    }


def test_a_region_of_interest_reaches_the_codec(run, fake, pixels):
    assert run("encode", "photo.png", "out.bin").exit_code == 0 and fake.roi is None
    assert run("encode", "--roi", "photo.png", "photo.png", "out2.bin").exit_code == 0
    assert np.array_equal(fake.roi.pixels, pixels)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--roi none.png photo.png", "nncodec: none.png: No such file or directory"),
        ("--roi photo.png --lossless photo.png", "--lossless and --roi exclude each other"),
        ("--roi photo.png -r .", "--roi is about one picture"),
    ],
)
def test_a_region_of_interest_that_cannot_be(run, arguments, message):
    result = run("encode", *arguments.split())
    assert result.exit_code != 0 and message in result.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ("-e 2 --tune ssimulacra2", 1, "tune ssimulacra2 needs an effort that refines latents, 3"),
        ("--lossless --tune ms-ssim", 1, "nncodec: lossless and tune ms-ssim exclude each other"),
        (
            "-e 0 --content webp --tune ms-ssim",
            1,
            "tune ms-ssim needs an effort that has an update, 1",
        ),
        ("--tune vmaf", 2, "'vmaf' is not one of 'psnr', 'ssimulacra2', 'ms-ssim'"),
    ],
)
def test_tunes_that_cannot_be(run, arguments, status, message):
    result = run("encode", *arguments.split(), "photo.png", "none.bin")
    assert result.exit_code == status and message in result.stderr
    assert not Path("none.bin").exists()


def test_infinite_psnr_is_valid_json(run, fake):
    fake.report = type(fake.report)(psnr_db=math.inf)
    result = run("encode", "--json", "--quiet", "photo.png", "out.bin")
    assert json.loads(result.stdout)["psnr_db"] is None


def test_json_and_data_do_not_share_a_stream(run):
    result = run("encode", "--json", "photo.png", "-")
    assert result.exit_code == 2


def test_streams(run, folder):
    result = run("encode", "-", "-", stdin=Path("photo.png").read_bytes())
    assert result.exit_code == 0
    run("encode", "photo.png", "out.bin")
    assert result.stdout_bytes == Path("out.bin").read_bytes()
    assert result.stderr.startswith("- -> -  ")


@pytest.mark.parametrize(
    "arguments",
    [
        "-q 101 photo.png out.bin",
        "-q -1 photo.png out.bin",
        "-e 10 photo.png out.bin",
        "-T -1 photo.png out.bin",
        "--device abacus photo.png out.bin",
        "",
        "--unknown photo.png out.bin",
    ],
)
def test_usage_errors_exit_with_2(run, arguments):
    result = run("encode", *arguments.split())
    assert result.exit_code == 2
    assert not Path("out.bin").exists()


class Terminal:
    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


def test_progress_is_one_line_and_is_wiped(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with Progress(Speech(quiet=False, progress=True, as_json=False)) as progress:
        progress("refine", 0.5)
        progress("refine", 0.501)
    assert "\n" not in terminal.text
    assert terminal.text.count("refine  [################................]   50%") == 1
    assert terminal.text.rsplit("\r", 2)[1].isspace()


@pytest.mark.parametrize("speech", [Speech(True, True, False), Speech(False, False, False)])
def test_progress_can_be_hidden(monkeypatch, speech):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with Progress(speech) as progress:
        progress("refine", 0.5)
    assert terminal.text == ""
