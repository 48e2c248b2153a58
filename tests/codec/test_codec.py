"""Pictures to files and back."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from bitstream import Container, Header, Tag
from bitstream.update.methods import Method
from bitstream.update.subspace import SubspacePayload
from codec import decode, encode
from codec.contract.decoding import DecodeOptions
from codec.contract.effort import Effort, effort_at
from codec.contract.modes import Lossy
from codec.contract.options import EncodeOptions
from codec.contract.quality import lambda_at
from codec.decoding import update
from codec.encoding import adapt, frame, lossy, start
from codec.encoding.contents.learned import SEARCH_WEIGHT
from codec.errors import VerifyError
from codec.networks.pictures import to_pixels
from tests.codec.tiny_model import picture

UPDATES = (Tag.UPDATE, Tag.PRIOR)
SIZES = [(1, 1), (1, 7), (5, 3), (16, 16), (17, 33), (64, 48)]


def chunks_of(data):
    return Container.unpack(data).chunks


def cost(pixels, original, size_bytes, quality):
    """D + lambda R in bits, from the definition."""
    squares = np.square(pixels.astype(float) - original).sum() / 3
    return 8 * size_bytes + SEARCH_WEIGHT * lambda_at(quality) * squares


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("effort", [0, 1])
def test_round_trip(tiny, size, effort):
    original = picture(*size, seed=1)
    result = encode(original, EncodeOptions(Lossy(quality=80), effort=effort))
    pixels = decode(result.data)
    assert pixels.dtype == np.uint8 and pixels.shape == original.shape
    error = np.square(pixels.astype(float) - original).mean()
    assert result.report.psnr_db == pytest.approx(10 * np.log10(255**2 / error))
    assert result.report.bpp == 8 * len(result.data) / (size[0] * size[1])
    chunks = chunks_of(result.data)
    assert result.report.update_bytes == sum(len(chunks.get(t, b"")) for t in UPDATES)
    assert Container.unpack(result.data).header == Header(*size, 160, tiny.id)


def test_pictures_do_not_influence_each_other(tiny):
    """Small ones in between leave nothing behind in the networks."""
    options = EncodeOptions(Lossy(quality=70), effort=0)
    expected = encode(picture(40, 40), options).data
    for size in SIZES:
        encode(picture(*size), options)
    assert encode(picture(40, 40), options).data == expected


@pytest.mark.parametrize("count", [1, 2])
def test_a_search_is_deterministic(tiny, count, threads, monkeypatch):
    """With as many threads as before: they decide in which order its gradients are summed."""
    effort = Effort(True, thorough=True, rounds=1, latent_steps=8)
    monkeypatch.setattr(start, "effort_at", lambda level: effort)
    options = EncodeOptions(Lossy(quality=85))
    with threads(count):
        first = encode(picture(64, 48), options).data
        assert encode(picture(64, 48), options).data == first


@pytest.mark.parametrize("effort", [0, 2])
def test_encoding_without_refinement_does_not_depend_on_threads(tiny, effort, threads):
    options = EncodeOptions(Lossy(quality=85), effort=effort)
    first = encode(picture(64, 48), options).data
    with threads(2):
        assert encode(picture(64, 48), options).data == first


@pytest.mark.parametrize("effort", [0, 2])
def test_decoding_does_not_depend_on_threads(tiny, effort, threads):
    data = encode(picture(150, 97), EncodeOptions(Lossy(quality=85), effort=effort)).data
    decoded = []
    for count in (1, 2):
        with threads(count):
            decoded.append(decode(data))
    assert np.array_equal(*decoded)


def test_no_option_changes_a_pixel(tiny):
    data = encode(picture(30, 30), EncodeOptions(effort=0)).data
    options = DecodeOptions(max_pixels=900)
    assert np.array_equal(decode(data, options), decode(data))


def test_better_quality_is_larger_and_closer(tiny):
    reports = [
        encode(picture(64, 64), EncodeOptions(Lossy(quality=q), effort=0)).report
        for q in (0, 40, 100)
    ]
    assert reports[0].bpp < reports[1].bpp < reports[2].bpp
    assert reports[0].psnr_db < reports[2].psnr_db


def test_no_update_when_none_is_wanted(tiny):
    result = encode(picture(64, 48), EncodeOptions(Lossy(quality=90), effort=2, update="none"))
    assert set(chunks_of(result.data)) == {Tag.CONTENT, Tag.PIXELS}
    assert result.data == encode(picture(64, 48), EncodeOptions(Lossy(quality=90), effort=0)).data
    assert result.report.psnr_db == result.report.base_psnr_db


def force_update(monkeypatch, step, level):
    """Makes the search find the same level for every coordinate."""

    def search(technique, task):
        levels = np.full(task.model.subspace.scales.shape, level, np.int32)
        return update.pack(Method.SUBSPACE, SubspacePayload(step, 0, levels), task.model)

    monkeypatch.setattr(adapt, "search", search)


def test_an_update_that_hurts_is_not_sent(tiny, monkeypatch):
    force_update(monkeypatch, 24, 60)
    options = EncodeOptions(Lossy(quality=90), effort=1)
    result = encode(picture(64, 48), options)
    assert Tag.UPDATE not in chunks_of(result.data)
    assert result.report.update_bytes == 0


def test_an_update_that_costs_more_than_it_gains_is_not_sent(tiny, monkeypatch):
    force_update(monkeypatch, 24, 0)
    assert Tag.UPDATE not in chunks_of(encode(picture(64, 48), EncodeOptions(effort=1)).data)


def test_an_update_out_of_the_exact_range_is_not_sent(tiny, monkeypatch):
    force_update(monkeypatch, 0, 1000)
    result = encode(picture(64, 48), EncodeOptions(effort=1))
    assert Tag.UPDATE not in chunks_of(result.data)


@pytest.mark.parametrize(
    ("size", "quality", "sent"), [((64, 48), 95, True), ((8, 8), 0, False)], ids=str
)
def test_the_update_is_sent_just_when_it_lowers_the_cost(tiny, size, quality, sent):
    original = picture(*size)
    found = encode(original, EncodeOptions(Lossy(quality=quality), effort=2))
    plain = encode(original, EncodeOptions(Lossy(quality=quality), effort=0))
    costs = [cost(decode(r.data), original, len(r.data), quality) for r in (found, plain)]
    if sent:
        assert Tag.UPDATE in chunks_of(found.data)
        assert costs[0] < costs[1]
    else:
        assert found.data == plain.data


def drawing():
    """Text and flat colours, far from what the model was trained on."""
    image = Image.new("RGB", (192, 128), (250, 240, 60))
    draw = ImageDraw.Draw(image)
    for row in range(8):
        draw.text((4, 16 * row), "overfit this decoder 0123456789", fill=(200, 0, 120))
    draw.rectangle((130, 20, 180, 100), fill=(0, 90, 220))
    return np.asarray(image)


def test_the_released_model_gains_from_an_update(released):
    quality = 75
    original = drawing()
    plain = encode(original, EncodeOptions(Lossy(quality=quality), effort=0))
    found = encode(original, EncodeOptions(Lossy(quality=quality), effort=2))
    assert Tag.UPDATE in chunks_of(found.data)
    assert found.report.base_psnr_db == plain.report.psnr_db
    assert found.report.psnr_db > plain.report.psnr_db
    costs = [cost(decode(r.data), original, len(r.data), quality) for r in (found, plain)]
    assert costs[0] < costs[1]


def test_a_photograph_with_the_released_model(released, photo):
    report = encode(photo, EncodeOptions(Lossy(quality=60), effort=1)).report
    assert report.psnr_db >= 27
    assert report.bpp < 2
    assert report.psnr_db >= report.base_psnr_db - 1e-9 or not report.update_bytes


@pytest.fixture
def data(tiny):
    return encode(picture(20, 18), EncodeOptions(Lossy(quality=95), effort=1)).data


def test_a_file_that_does_not_verify_is_an_error(tiny, monkeypatch):
    restore = frame.restore

    def wrong(opened, options):
        restored = restore(opened, options)
        restored.pixels[0, 0, 0] ^= 1
        return restored

    monkeypatch.setattr(frame, "restore", wrong)
    with pytest.raises(VerifyError):
        encode(picture(9, 9), EncodeOptions(effort=0))
    encode(picture(9, 9), EncodeOptions(effort=0, verify=False))


def test_autocast_changes_nothing(data):
    """Reduced precision is for training; the decoder is exact whatever its caller chose."""
    expected = decode(data)
    with torch.autocast("cpu", torch.bfloat16):
        assert np.array_equal(decode(data), expected)


@pytest.mark.filterwarnings("ignore")
def test_precision_settings_change_nothing(data):
    expected = decode(data)
    torch.set_float32_matmul_precision("medium")
    try:
        assert np.array_equal(decode(data), expected)
    finally:
        torch.set_float32_matmul_precision("highest")


def test_pixels_are_rounded_half_up_and_clipped():
    sixteenths = [-5000, -2048, -2041, -2040, -9, -8, 7, 8, 24, 2031, 2032, 2040, 9000]
    row = torch.tensor(sixteenths).float().expand(1, 3, 1, -1)
    expected = [0, 0, 0, 1, 127, 128, 128, 129, 130, 255, 255, 255, 255]
    assert to_pixels(row, len(sixteenths), 1)[0, :, 0].tolist() == expected


def test_progress_names_the_searches(tiny):
    seen = []
    encode(picture(16, 16), EncodeOptions(effort=5), lambda *step: seen.append(step))
    assert [stage for stage, _ in itertools.groupby(seen, key=lambda step: step[0])] == [
        "update",
        "refining",
        "update",
        "refining",
        "update",
    ]
    assert all(0 <= fraction <= 1 for _, fraction in seen)


def test_more_effort_is_more_search():
    efforts = [effort_at(level) for level in range(10)]
    assert not efforts[0].update and not efforts[0].rounds
    for lower, higher in itertools.pairwise(efforts):
        assert lower != higher
        assert lower.update <= higher.update
        assert lower.thorough <= higher.thorough <= higher.update
        assert lower.rounds <= higher.rounds
        assert lower.latent_steps <= higher.latent_steps


def test_refined_latents_lower_the_cost(released, photo):
    """On a real photograph, at equal lambda, with the real file and the decoded pixels."""
    options = EncodeOptions(Lossy(quality=40), effort=0)
    plain = start.make_task(photo, options, options.mode)
    refined = dataclasses.replace(plain, effort=Effort(False, rounds=2, latent_steps=30))
    once, again, third = (adapted.cost for adapted in lossy.rounds(refined))
    assert once == lossy.cheapest(plain).cost
    assert third < again < 0.985 * once


def test_latents_refined_for_the_filter_save_more(released, photo):
    """The order of the searches: a filter first, then latents for it."""
    options = EncodeOptions(Lossy(quality=40))
    effort = Effort(True, rounds=1, latent_steps=20)
    first = dataclasses.replace(start.make_task(photo, options, options.mode), effort=effort)
    alone = dataclasses.replace(first, effort=Effort(True))
    assert lossy.cheapest(first).cost < 0.985 * lossy.cheapest(alone).cost
