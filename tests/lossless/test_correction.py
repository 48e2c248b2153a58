"""What is decoded corrects the predictions of what follows, the same in numpy and in the kernel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import codec
from codec.networks.lossless import correction
from codec.networks.lossless.correction import Correction, places_of
from codec.networks.lossless.gains import GAINS
from codec.networks.lossless.shape import CHANNELS

LOUDNESS = np.round(256 * np.log2(1 + np.arange(4096) / 4)).astype(np.int16)
NOTHING = tuple(
    tuple(
        tuple(replace(gains, **dict.fromkeys(vars(gains), 0)) for gains in steps) for steps in each
    )
    for each in GAINS
)


def test_bytes_are_saved_of_photographs(photos, monkeypatch):
    options = codec.EncodeOptions(codec.Lossless(content="learned"), effort=0, verify=False)

    def sizes() -> np.ndarray:
        return np.array([len(codec.encode(photo, options).data) for photo in photos])

    corrected = sizes()
    monkeypatch.setattr(correction, "GAINS", NOTHING)
    plain = sizes()
    assert (corrected < plain).all() and corrected.sum() < 0.99 * plain.sum()


def test_a_scale_follows_the_errors_nearby():
    """Where the networks are right, the tables become narrower, and wider where they are not."""
    tables = {}
    for error in (0, 60):
        stage = Correction(np.zeros((6, 6, 3, 2), np.int16), (12, 12), LOUDNESS)
        steps = stage.channel(0, 0, np.zeros((6, 6, 4), np.int32))
        for step in range(2):
            whole, before = steps.expect(step)
            steps.learn(step, whole.astype(np.int32) + error)
        tables[error] = steps.expect(2)[1] // 8 % 41
    assert tables[0].max() < before.max() // 8 % 41 <= 21 < tables[60].min()


def test_an_error_of_a_channel_moves_the_next_one_as_before():
    """What always went together is expected to do so again."""
    stage = Correction(np.zeros((16, 16, 3, 2), np.int16), (32, 32), LOUDNESS)
    said, rng = np.zeros((16, 16, 4), np.int32), np.random.default_rng(0)
    errors = rng.choice([-6, 6], (16, 16)).astype(np.int32)
    for channel in range(2):
        steps = stage.channel(0, channel, said)
        for step, place in enumerate(places_of(16, 16)):
            whole, _ = steps.expect(step)
            if channel and step == 2:
                assert np.mean(np.sign(whole) == np.sign(errors[place])) > 0.9
            steps.learn(step, errors[place])


@pytest.mark.parametrize("size", [(2, 1), (1, 2), (2, 2), (3, 9), (10, 7), (33, 40)], ids=str)
def test_the_kernel_corrects_the_same(size):
    try:
        from codec.decoding.engines.correcting import KernelCorrection

        rows, columns = -(-size[0] // 2), -(-size[1] // 2)
        rng = np.random.default_rng(size[0])
        coarser = rng.integers(-256, 257, (rows, columns, CHANNELS, 2)).astype(np.int16)
        stages = KernelCorrection(coarser, size, LOUDNESS), Correction(coarser, size, LOUDNESS)
    except OSError:
        pytest.skip("no kernel here")
    largest = np.array([16384, 16384, 2**20, 2**20])
    for index in range(3):
        for channel in range(CHANNELS):
            # From usual numbers to the largest that networks can say.
            reach = largest >> rng.integers(0, 12)
            said = rng.integers(-reach, reach + 1, (rows, columns, 4)).astype(np.int32)
            ours, theirs = (stage.channel(index, channel, said) for stage in stages)
            for step, place in enumerate(places_of(*stages[0].inside(index))):
                for mine, other in zip(ours.expect(step), theirs.expect(step), strict=True):
                    assert np.array_equal(mine, other)
                found = rng.integers(-255, 256, np.count_nonzero(place)).astype(np.int32)
                ours.learn(step, found)
                theirs.learn(step, found)
            assert np.array_equal(ours.pixels, theirs.pixels)
    assert np.array_equal(stages[0].traces, stages[1].traces)
    assert all(map(np.array_equal, stages[0].sums, stages[1].sums))
