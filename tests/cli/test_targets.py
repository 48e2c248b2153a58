"""The options that say what to aim for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from codec.contract.modes import Lossy
from codec.contract.options import EncodeOptions
from codec.contract.targets import Lambda, MaxBpp, MaxBytes, MinPsnr, MinSsimulacra2


@pytest.mark.parametrize(
    ("arguments", "target"),
    [
        ("--lambda 0.01", Lambda(0.01)),
        ("--target-bpp 0.5", MaxBpp(0.5)),
        ("--target-size 20000", MaxBytes(20_000)),
        ("--target-size 20K", MaxBytes(20_000)),
        ("--target-size 20k", MaxBytes(20_000)),
        ("--target-size 1.5M", MaxBytes(1_500_000)),
        ("--target-psnr 34", MinPsnr(34)),
        ("--target-ssimulacra2 71.5", MinSsimulacra2(71.5)),
    ],
)
def test_each_target_reaches_the_codec(run, fake, arguments, target):
    assert run("encode", *arguments.split(), "photo.png", "out.bin").exit_code == 0
    assert fake.encode_options == EncodeOptions(Lossy(target=target))


def test_no_target_by_default(run, fake):
    run("encode", "-q", "70", "--time-limit", "2.5", "photo.png", "out.bin")
    assert fake.encode_options == EncodeOptions(Lossy(quality=70), time_limit=2.5)


@pytest.mark.parametrize(
    "arguments",
    [
        "-q 50 --lambda 0.01",
        "-q 70 --target-bpp 1",
        "--target-bpp 1 --target-size 20K",
        "--target-psnr 30 --lambda 0.01",
        "--target-size 20KB",
        "--target-size 0",
        "--target-size -5",
        "--target-bpp 0",
        "--target-bpp nan",
        "--target-psnr inf",
        "--target-ssimulacra2 100",
        "--lambda 9",
        "--time-limit 0",
    ],
)
def test_refused(run, arguments):
    result = run("encode", *arguments.split(), "photo.png", "out.bin")
    assert result.exit_code == 2
    assert not Path("out.bin").exists()


def test_two_targets_are_named(run):
    result = run("encode", "-q", "50", "--target-size", "1K", "photo.png", "out.bin")
    assert "--quality and --target-size exclude each other" in result.stderr


@pytest.mark.parametrize("quality", ["-q50", "-q70"])
def test_lossless_has_no_quality(run, quality):
    result = run("encode", quality, "--lossless", "photo.png", "out.bin")
    assert result.exit_code == 2
    assert "--lossless and --quality exclude each other" in result.stderr


def test_a_note_follows_the_figures(run, fake):
    fake.report = replace(fake.report, note="the next quality gives more")
    (line,) = run("encode", "photo.png", "out.bin").stderr.splitlines()
    assert line.endswith("  9.8 s  the next quality gives more")
