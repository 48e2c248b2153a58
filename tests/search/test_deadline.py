"""Time limits, on a clock that tests move."""

from __future__ import annotations

import math

import pytest

from codec.encoding import deadline
from codec.encoding.deadline import NEVER, Deadline


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(deadline, "clock", clock)
    return clock


def run(pace, clock, seconds_per_step):
    """The fractions that a search sees whose steps take so long."""
    seen = []
    for done in pace:
        seen.append(done)
        clock.now += seconds_per_step
    return seen


def test_without_a_limit_a_search_counts_its_steps(clock):
    assert run(NEVER.pace(4), clock, 1000.0) == [0, 0.25, 0.5, 0.75]
    assert Deadline.after(None) is NEVER and not NEVER.passed
    assert NEVER.first_of(2) == NEVER and NEVER.earlier(10) == NEVER


def test_with_time_enough_nothing_changes(clock):
    assert run(Deadline.after(100).pace(4), clock, 1.0) == [0, 0.25, 0.5, 0.75]


def test_a_search_ends_before_the_step_that_would_be_late(clock):
    limit = Deadline.after(10)
    seen = run(limit.pace(100), clock, 3.0)
    assert seen == pytest.approx([0, 0.3, 0.6])
    assert not limit.passed and limit.left() == 1


def test_a_schedule_cools_down_completely_however_few_the_steps(clock):
    seen = run(Deadline.after(1.0).pace(1000), clock, 0.05)
    assert len(seen) < 25 and seen[-1] > 0.9
    assert seen == sorted(seen) and seen[-1] < 1


def test_no_step_when_the_time_is_up(clock):
    limit = Deadline.after(5)
    clock.now += 5
    assert limit.passed
    assert run(limit.pace(3), clock, 1.0) == []


def test_derived_deadlines(clock):
    limit = Deadline.after(10)
    assert limit.earlier(4).left() == 6
    assert limit.first_of(2).left() == 5
    clock.now += 12
    assert limit.left() == -2 and limit.first_of(2).passed
    assert math.isinf(NEVER.left())
