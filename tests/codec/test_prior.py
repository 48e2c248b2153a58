"""Updates of the prior: what they change, and that they save bytes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from bitstream import Container, InvalidField, Tag, chunk_bytes
from bitstream.update.subspace import SubspacePayload
from codec import decode, encode
from codec.contract.modes import Lossy
from codec.contract.options import EncodeOptions
from codec.contract.quality import level_at
from codec.decoding import prior
from codec.encoding.updates import prior as updates_prior
from codec.networks.integers import BoundError, Scales
from codec.networks.likelihood import SCALES
from codec.networks.twins import scaled
from tests.codec.test_context import SHAPE, random_values, record_slots


def payload_of(model, step=8, seed=0):
    """A PRIOR payload of random levels."""
    rng = np.random.default_rng(seed)
    levels = rng.integers(-3, 4, model.prior.scales.shape, dtype=np.int32)
    return prior.pack(SubspacePayload(step, 0, levels), model)


def test_scales_move_as_it_says_and_nothing_else(tiny):
    scales = prior.apply(payload_of(tiny), tiny)
    level, values = tiny.level(120), random_values(tiny.networks.context, 0)
    gain, offset = (torch.from_numpy(t) / 2**bits for t, bits in zip(scales, (11, 19), strict=True))
    assert (gain != 1).any() and (offset != 0).any()
    usual = (tiny.networks.context.prediction.log2_deviation - level.log2_step) / 2**8
    before = record_slots(tiny.networks.context, values, level)
    after = record_slots(scaled(tiny.networks.context, scales), values, level)
    for (slot, old), (_, new) in zip(before, after, strict=True):
        assert torch.equal(old.mean, new.mean) and torch.equal(old.step, new.step)
        assert torch.equal(old.table // SCALES, new.table // SCALES)
        table, new_table = old.table % SCALES, new.table % SCALES
        mine = slice(slot.start, slot.stop)
        g, o, u = (t[mine].view(1, -1, 1, 1) for t in (gain, offset, usual))
        u = u - torch.log2(old.step / level.step)
        # Tables are a quarter of an octave apart, and what they were chosen by is rounded.
        expected = (g * (table / 4 - u) + o + u) * 4
        inside = (table > 0) & (table < 53)
        near = (new_table - expected.clamp(0, 53)).abs() <= (0.5 + 0.5 * g.abs() + 0.1)
        assert near[inside].all()


def test_the_float_twin_follows(tiny):
    scales = prior.apply(payload_of(tiny), tiny)
    twin = tiny.search()
    updates_prior.set_scales(twin, scales)
    values = random_values(tiny.networks.context, 1)
    exact = record_slots(scaled(tiny.networks.context, scales), values, tiny.level(120))
    floats = record_slots(twin.context, values.float() / 64, level_at(torch.tensor([60.0])))
    for (_, integers), (_, predicted) in zip(exact, floats, strict=True):
        scale = (4 * (predicted.log2_scale + 5)).clamp(0, 53)
        # A step that is rounded to the one beside it moves the scale by half a table more.
        assert (integers.table % SCALES - scale).abs().max() < 1.25


def test_it_saves_bytes_and_leaves_the_pixels(photo):
    plain, adapted = (encode(photo, EncodeOptions(Lossy(quality=85), effort=e)) for e in (0, 1))
    container = Container.unpack(adapted.data)
    before, chunks = Container.unpack(plain.data).chunks, dict(container.chunks)
    saved = len(before[Tag.CONTENT]) - len(chunks[Tag.CONTENT])
    assert saved > chunk_bytes(chunks[Tag.PRIOR])
    del chunks[Tag.UPDATE], chunks[Tag.PIXELS]
    without_update = dataclasses.replace(container, chunks=chunks).pack()
    assert np.array_equal(decode(without_update), decode(plain.data))


def test_a_model_may_have_none(tiny):
    with pytest.raises(InvalidField, match="no prior"):
        prior.apply(payload_of(tiny), dataclasses.replace(tiny, prior=None))


@pytest.mark.parametrize("gain, offset", [(2**29, 0), (-(2**30), 0), (0, 2**53), (2**62, -(2**62))])
def test_gains_and_offsets_beyond_the_exact_range_are_refused(gain, offset):
    ones = np.ones(SHAPE[1], np.int64)
    with pytest.raises(BoundError):
        Scales.plain(SHAPE[1]).plus(gain * ones, offset * ones)
    Scales.plain(SHAPE[1]).plus(2**28 * ones, 2**50 * ones)
