"""What is decoded corrects the predictions of what follows, the same in numpy and in the kernel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from codec.contract.contents import LOSSLESS
from codec.decoding.engines.choice import chosen
from codec.decoding.engines.correcting import KernelCorrection, KernelCorrector
from codec.decoding.lossless.coder import encode_pixels
from codec.decoding.lossless.update import heads_of
from codec.encoding.lossless import fit
from codec.models import released
from codec.networks.integers import BoundError, IntegerLayer
from codec.networks.lossless import corrector
from codec.networks.lossless.correction import ChannelSteps, Correction, places_of
from codec.networks.lossless.corrector import HIDDEN, LIMIT, OUTPUTS, Corrector, input_count
from codec.networks.lossless.shape import CHANNELS
from scripts.release.corrections import blank

try:  # the kernel is imported where there is one
    from codec.decoding.engines import library

    LEVELS = library.levels()
except OSError:
    LEVELS = []
LOUDNESS = np.round(256 * np.log2(1 + np.arange(4096))).astype(np.int16)


@pytest.fixture(scope="module")
def model():
    return released.load_default(LOSSLESS)


def drawn(case: corrector.Case, rng: np.random.Generator) -> Corrector:
    """A network of large random numbers."""

    def layer(outputs: int, inputs: int) -> IntegerLayer:
        weight = rng.integers(-2000, 2001, (outputs, inputs, 1, 1)).astype(np.int16)
        return IntegerLayer(weight, rng.integers(-(2**24), 2**24, outputs), 12, LIMIT)

    count = input_count(case)
    return Corrector(layer(HIDDEN, count), layer(OUTPUTS, HIDDEN + count))


def test_bytes_are_saved_of_photographs(model, photos):
    plain = replace(model, arrays={**model.arrays, **blank()})

    def sizes(model) -> np.ndarray:
        refine = chosen().refine(model, heads_of(model))
        return np.array([len(encode_pixels(photo, refine, model.tables)) for photo in photos])

    assert (sizes(model) < sizes(plain)).all()
    assert sizes(model).sum() < 0.985 * sizes(plain).sum()


def test_an_update_knows_of_corrections(model, photos, monkeypatch):
    """It is smaller together with them than one that is fitted as if there were none."""

    def size() -> int:
        found = fit.fit_heads(photos[0], model, thorough=False)
        refine = chosen().refine(model, found.heads)
        return len(found.payload) + len(encode_pixels(photos[0], refine, model.tables))

    knowing = size()
    monkeypatch.setattr(fit, "corrected", lambda samples, *_: samples)
    assert knowing < size()


def test_a_scale_follows_the_errors_nearby(model):
    """Where the networks are right, the tables become narrower, and wider where they are not."""
    tables = {}
    for error in (0, 60):
        stage = Correction(np.zeros((6, 6, 3, 2), np.int16), (12, 12), LOUDNESS, model.correctors)
        steps = stage.channel(0, 0, np.zeros((6, 6, 4), np.int32))
        for step in range(2):
            expected = steps.expect(step)
            steps.learn(step, expected.whole.astype(np.int32) + error)
        tables[error] = steps.expect(2).table // 8 % 41
    assert tables[0].max() < 20 < tables[60].min()


def test_an_error_of_a_channel_moves_the_next_one_as_before(model):
    """What always went together is expected to do so again."""
    stage = Correction(np.zeros((16, 16, 3, 2), np.int16), (32, 32), LOUDNESS, model.correctors)
    said, rng = np.zeros((16, 16, 4), np.int32), np.random.default_rng(0)
    errors = rng.choice([-6, 6], (16, 16)).astype(np.int32)
    for channel in range(2):
        steps = stage.channel(0, channel, said)
        for step, place in enumerate(places_of(16, 16)):
            whole = steps.expect(step).whole
            if channel and step == 2:
                assert np.mean(np.sign(whole) == np.sign(errors[place])) > 0.9
            steps.learn(step, errors[place])


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "size", [(2, 1), (1, 2), (2, 2), (3, 9), (10, 7), (33, 40), (5, 397)], ids=str
)
def test_the_kernel_corrects_the_same(size, level):
    rows, columns = -(-size[0] // 2), -(-size[1] // 2)
    rng = np.random.default_rng(size[0])
    coarser = rng.integers(-256, 257, (rows, columns, CHANNELS, 2)).astype(np.int16)
    correctors = {case: drawn(case, rng) for case in corrector.cases()}
    kernels = {case: KernelCorrector.of(level, one) for case, one in correctors.items()}
    stages = (
        KernelCorrection(coarser, size, LOUDNESS, kernels),
        Correction(coarser, size, LOUDNESS, correctors),
    )
    largest = np.array([16384, 16384, 2**20, 2**20])
    for index in range(3):
        for channel in range(CHANNELS):
            # From usual numbers to the largest that networks can say.
            reach = largest >> rng.integers(0, 12)
            said = rng.integers(-reach, reach + 1, (rows, columns, 4)).astype(np.int32)
            ours, theirs = (stage.channel(index, channel, said) for stage in stages)
            for step, place in enumerate(places_of(*stages[0].inside(index))):
                expected, other = vars(ours.expect(step)), vars(theirs.expect(step))
                assert all(np.array_equal(expected[name], other[name]) for name in expected)
                found = rng.integers(-255, 256, np.count_nonzero(place)).astype(np.int32)
                ours.learn(step, found)
                theirs.learn(step, found)
            assert np.array_equal(ours.pixels, theirs.pixels)
    assert np.array_equal(stages[0].traces, stages[1].traces)
    assert all(map(np.array_equal, stages[0].sums, stages[1].sums))


def test_networks_see_only_what_is_decoded():
    """Whatever the pixels of a step and of later ones are, its networks are told the same."""
    rng = np.random.default_rng(0)
    for case in corrector.cases():
        index, channel, step = case
        later = np.zeros((8, 8, CHANNELS), bool)
        for number, (row, column) in enumerate([(1, 1), (0, 1), (1, 0)]):
            phase = later[row::2, column::2]
            phase[:, :, :] = number > index
            if number == index:
                phase[:, :, channel + 1 :] = True
                for other, place in enumerate(places_of(4, 4)):
                    phase[place, channel] = other >= step
        told = []
        for _ in range(2):
            stage = Correction(np.zeros((4, 4, CHANNELS, 2), np.int16), (8, 8), LOUDNESS, {})
            stage.traces[..., 0][later] = rng.integers(-99, 100, np.count_nonzero(later))
            steps = ChannelSteps(stage, index, channel, np.zeros((4, 4, 4), np.int32))
            told.append(steps.inputs(step))
        assert np.array_equal(*told), case


def test_networks_whose_sums_may_overflow_are_refused(model):
    name = f"{Corrector.name((2, 1, 2))}.enter.weight"
    for weight in (np.full_like(model.arrays[name], 2**14), model.arrays[name][:, 1:]):
        with pytest.raises(BoundError):
            corrector.correctors_of({**model.arrays, name: weight})
