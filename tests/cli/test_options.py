from __future__ import annotations

import dataclasses
import math
from functools import partial

import pytest

from codec.contract.decoding import DecodeOptions
from codec.contract.modes import Lossless, Lossy, Standard
from codec.contract.options import EncodeOptions
from codec.errors import CodecError, OptionError


@pytest.mark.parametrize(
    "options",
    [
        {"effort": 10},
        {"effort": -1},
        {"effort": 1.5},
        {"device": "abacus"},
    ],
)
def test_encode_options_are_checked(options):
    with pytest.raises(OptionError, match=f"{next(iter(options))} must be"):
        EncodeOptions(**options)


@pytest.mark.parametrize("quality", [-0.1, 100.1, math.nan])
def test_qualities_are_checked(quality):
    for mode in (Lossy, partial(Standard, "jpeg")):
        with pytest.raises(OptionError, match="quality must be"):
            mode(quality=quality)


def test_decode_options_are_checked():
    with pytest.raises(OptionError, match="max_pixels must be"):
        DecodeOptions(max_pixels=0)


def test_an_option_error_is_both_kinds():
    assert issubclass(OptionError, CodecError)
    assert issubclass(OptionError, ValueError)


@pytest.mark.parametrize("options", [EncodeOptions(), DecodeOptions()])
def test_options_are_frozen(options):
    field = dataclasses.fields(options)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(options, field, None)


def test_lossless_goes_with_no_quality(run, fake):
    result = run("encode", "--lossless", "-q", "70", "photo.png", "out.bin")
    assert result.exit_code != 0
    assert "--lossless and --quality exclude each other" in result.stderr
    assert fake.encode_options is None


def test_lossless_goes_with_no_report(run, fake):
    result = run("encode", "--lossless", "--report", "page.html", "photo.png", "out.bin")
    assert result.exit_code == 2
    assert "--lossless and --report exclude each other" in result.stderr


def test_lossless_reaches_the_codec(run, fake):
    assert run("encode", "--lossless", "photo.png", "out.bin").exit_code == 0
    assert fake.encode_options == EncodeOptions(Lossless())
