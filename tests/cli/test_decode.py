from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from codec.contract.decoding import DecodeOptions


def test_default_output_is_the_name_with_png(run, pixels):
    Path("photo.png").unlink()
    result = run("decode", "photo.bin")
    assert result.exit_code == 0
    assert result.stderr == "photo.bin -> photo.png  12 x 8\n"
    assert np.array_equal(Image.open("photo.png"), pixels)


def test_quiet_says_nothing(run):
    result = run("decode", "--quiet", "photo.bin", "out.png")
    assert (result.exit_code, result.output) == (0, "")


def test_options_reach_the_codec(run, fake):
    run("decode", *"--max-pixels 1000 photo.bin out.png".split())
    assert fake.decode_options == DecodeOptions(1000)


@pytest.mark.parametrize("target", [["-"], []])
def test_streams(run, pixels, target):
    result = run("decode", "-", *target, stdin=Path("photo.bin").read_bytes())
    assert result.exit_code == 0
    assert np.array_equal(Image.open(BytesIO(result.stdout_bytes)), pixels)


def test_other_formats_are_refused_not_mislabelled(run):
    result = run("decode", "photo.bin", "out.bmp")
    assert result.exit_code == 2
    assert not Path("out.bmp").exists()


def test_max_pixels_is_positive(run):
    assert run("decode", "--max-pixels", "0", "photo.bin", "out.png").exit_code == 2
