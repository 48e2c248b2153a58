from __future__ import annotations

import dataclasses
import math

import pytest

from codec.errors import CodecError, OptionError
from codec.options import DecodeOptions, EncodeOptions


@pytest.mark.parametrize(
    "options",
    [
        {"quality": -0.1},
        {"quality": 100.1},
        {"quality": math.nan},
        {"effort": 10},
        {"effort": -1},
        {"effort": 1.5},
        {"device": "abacus"},
    ],
)
def test_encode_options_are_checked(options):
    with pytest.raises(OptionError, match=f"{next(iter(options))} must be"):
        EncodeOptions(**options)


@pytest.mark.parametrize("options", [{"device": "abacus"}, {"max_pixels": 0}])
def test_decode_options_are_checked(options):
    with pytest.raises(OptionError, match=f"{next(iter(options))} must be"):
        DecodeOptions(**options)


def test_an_option_error_is_both_kinds():
    assert issubclass(OptionError, CodecError)
    assert issubclass(OptionError, ValueError)


@pytest.mark.parametrize("options", [EncodeOptions(), DecodeOptions()])
def test_options_are_frozen(options):
    with pytest.raises(dataclasses.FrozenInstanceError):
        options.device = "cpu"
