"""Standard files whose payloads were damaged, edited away from, or are not for this program."""

from __future__ import annotations

import random
import warnings
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import codec
from bitstream import FormatError
from bitstream.carriers import carrier_of
from bitstream.carriers.enhancement import Enhancement
from codec.contract.decoding import DecodeOptions
from codec.errors import ForeignUpdateWarning
from codec.models import released
from codec.picture import standard
from scripts.conform.standard_files import saved
from tests.standard.carried import (
    FAST,
    WRITERS,
    base_filtered,
    every_format,
    foreign,
    payload_of,
    viewed,
    with_payload,
)


@pytest.fixture(scope="module")
def enhanced(photo) -> dict[str, bytes]:
    """A file of each format with an update."""
    return {name: codec.enhance(photo, foreign(photo, name), FAST).data for name in WRITERS}


@every_format
def test_no_update_for_a_recompressed_file(enhanced, name):
    payload = carrier_of(enhanced[name]).extract(enhanced[name])
    again = with_payload(foreign(viewed(enhanced[name]), name, quality=70), payload)
    with pytest.warns(ForeignUpdateWarning, match="changed"):
        decoded = codec.decode(again)
    np.testing.assert_array_equal(decoded, base_filtered(again))


def test_no_update_after_one_pixel_has_changed(enhanced):
    payload = carrier_of(enhanced["webp"]).extract(enhanced["webp"])
    pixels = viewed(enhanced["webp"])
    same = with_payload(saved(Image.fromarray(pixels), "WEBP", lossless=True), payload)
    np.testing.assert_array_equal(codec.decode(same), codec.decode(enhanced["webp"]))
    pixels[3, 5, 1] ^= 1
    edited = with_payload(saved(Image.fromarray(pixels), "WEBP", lossless=True), payload)
    with pytest.warns(ForeignUpdateWarning, match="changed"):
        decoded = codec.decode(edited)
    np.testing.assert_array_equal(decoded, base_filtered(edited))


def test_no_update_if_a_byte_of_the_payload_has_changed(enhanced):
    data = enhanced["jpeg"]
    payload = carrier_of(data).extract(data)
    base = base_filtered(data)
    assert (codec.decode(data) != base).any()
    for place in (6, 9, 10, 12, len(payload) - 1):  # checksum and update
        damaged = bytearray(payload)
        damaged[place] ^= 0x10
        with pytest.warns(ForeignUpdateWarning, match="changed"):
            decoded = codec.decode(with_payload(data, bytes(damaged)))
        np.testing.assert_array_equal(decoded, base)


def test_a_damaged_quality_is_noticed(enhanced):
    damaged = replace(payload_of(enhanced["jpeg"]), quality=200).pack()
    with pytest.warns(ForeignUpdateWarning, match="changed"):
        codec.decode(with_payload(enhanced["jpeg"], damaged))


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (lambda found: b"\x02" + found.pack()[1:], "version 2"),
        (lambda found: found.pack()[:9], "truncated"),
        (lambda found: b"", "truncated"),
        (lambda found: replace(found, model=b"none").pack(), "model 6e6f6e65"),
        (lambda found: replace(found, model=released.load_default("webp").id).pack(), "for webp"),
        (lambda found: found.pack()[:5] + b"\xff" + found.pack()[6:], "quality 255"),
    ],
    ids=["version", "short", "empty", "unknown model", "model of another format", "quality"],
)
def test_the_plain_picture_is_shown_if_the_payload_is_not_for_this_program(
    enhanced, payload, message
):
    data = enhanced["jpeg"]
    with pytest.warns(ForeignUpdateWarning, match=message):
        decoded = codec.decode(with_payload(data, payload(payload_of(data))))
    np.testing.assert_array_equal(decoded, viewed(data))


def test_an_impossible_update_is_left_out(enhanced):
    """With the right checksum, as only a hostile or broken encoder makes it."""
    data, found = enhanced["jpeg"], payload_of(enhanced["jpeg"])
    plain = standard.picture_of(viewed(data))
    hostile = Enhancement.of_picture(plain, found.model, found.quality, b"\x07nonsense").pack()
    with pytest.warns(ForeignUpdateWarning, match="without its update"):
        decoded = codec.decode(with_payload(data, hostile))
    np.testing.assert_array_equal(decoded, base_filtered(data))


@every_format
def test_damaged_files_are_refused_or_decoded_with_a_warning(enhanced, name):
    data = enhanced[name]
    assert len(data) > 500
    rng = random.Random(0)
    outcomes = set()
    for _ in range(60):
        damaged = bytearray(data)
        for _ in range(rng.randint(1, 3)):
            place = rng.choice([rng.randrange(len(data)), rng.randrange(400), -rng.randint(1, 60)])
            damaged[place] = rng.randrange(256)
        if rng.random() < 0.2:
            del damaged[rng.randrange(len(damaged)) :]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                pixels = codec.decode(bytes(damaged), DecodeOptions(max_pixels=2**16))
            except FormatError:
                outcomes.add("refused")
                continue
        if caught:
            assert {warning.category for warning in caught} == {ForeignUpdateWarning}
            outcomes.add("warned")
        else:
            np.testing.assert_array_equal(pixels, codec.decode(data))
    assert outcomes == {"refused", "warned"}
