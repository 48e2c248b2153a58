"""The scan: its order, and that no step sees what is coded later."""

from __future__ import annotations

import itertools

import pytest
import torch

from codec.contract.quality import level_at
from codec.networks.context import at_phases
from tests.codec.tiny_model import CONFIG, random_model

SHAPE = (1, CONFIG.channels, 6, 4)


def record_slots(context, values, level):
    """Slots with their predictions while the scan is fed with `values`."""
    seen = []

    def code(slot, predicted):
        seen.append((slot, predicted))
        return at_phases(values, slot)

    assert torch.equal(context.scan(values, level, code), values)
    return seen


@pytest.fixture(params=["integer", "float"])
def context_and_level(request, tiny):
    if request.param == "integer":
        return tiny.networks.context, tiny.level(120)
    return random_model().context, level_at(torch.tensor([60.0]))


def random_values(context, seed):
    generator = torch.Generator().manual_seed(seed)
    values = torch.randint(-30_000, 30_000, SHAPE, generator=generator)
    return values.double() if hasattr(context.prediction, "steps") else values.float() / 64


def test_every_latent_is_coded_once(context_and_level):
    context, level = context_and_level
    counts = torch.zeros(SHAPE)
    for slot, _ in record_slots(context, random_values(context, 0), level):
        for di, dj in slot.phases:
            counts[:, slot.start : slot.stop, di::2, dj::2] += 1
    assert torch.equal(counts, torch.ones(SHAPE))


def test_the_order_is_that_of_the_format(tiny):
    values = torch.zeros(SHAPE, dtype=torch.float64)
    slots = [slot for slot, _ in record_slots(tiny.networks.context, values, tiny.level(0))]
    phases = (((0, 0), (1, 1)), ((0, 1), (1, 0)))
    bounds = ((0, 1, 2), (2, 4), (4, 5, 7), (7, 10))
    expected = [
        (start, stop, slot)
        for group in bounds
        for slot in phases
        for start, stop in itertools.pairwise(group)
    ]
    assert [(s.start, s.stop, s.phases) for s in slots] == expected


def test_a_step_sees_what_was_coded_and_nothing_else(context_and_level):
    """Changing the latents of one slot changes no prediction up to it, and the next one."""
    context, level = context_and_level
    values, other = random_values(context, 0), random_values(context, 1)
    before = record_slots(context, values, level)
    for index, (slot, _) in enumerate(before):
        changed = values.clone()
        for di, dj in slot.phases:
            place = (slice(None), slice(slot.start, slot.stop), slice(di, None, 2))
            changed[(*place, slice(dj, None, 2))] = other[(*place, slice(dj, None, 2))]
        after = record_slots(context, changed, level)
        same = [one == other for one, other in zip(numbers(before), numbers(after), strict=True)]
        assert all(same[: index + 1])
        assert index + 1 == len(before) or not same[index + 1]


def numbers(slots):
    """All that is predicted in each slot."""
    return [[tensor.tolist() for tensor in vars(predicted).values()] for _, predicted in slots]


def test_steps_are_eighths_of_an_octave(context_and_level):
    context, level = context_and_level
    slots = record_slots(context, random_values(context, 0), level)
    steps = torch.cat([predicted.step.flatten() for _, predicted in slots])
    eighths = 8 * torch.log2(steps / float(level.step))
    assert (eighths - eighths.round()).abs().max() < 0.02
    assert -8.02 < eighths.min() < 0 < eighths.max() < 8.02
