"""The search for a target, on curves that are known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from codec.contract.report import Report
from codec.contract.targets import MaxBpp, MaxBytes, MinPsnr, MinSsimulacra2
from codec.encoding import deadline as deadlines
from codec.encoding.deadline import NEVER, Deadline
from codec.encoding.rate_control import reach
from codec.errors import OptionError

HALVES = range(201)
PIXELS = 10_000


@dataclass(frozen=True)
class Outcome:
    data: bytes
    report: Report
    full: bool
    score: float | None
    measured: list[str]

    def figure(self, metric):
        self.measured.append(metric)
        return self.score


class Encoder:
    """Encodes by formula; a full encode is smaller and better than a quick one."""

    def __init__(self, growth=0.025, wobble=0.0):
        self.growth, self.wobble = growth, wobble
        self.quick: list[int] = []
        self.full: list[int] = []
        self.measured: list[str] = []

    def size(self, half, full):
        noise = self.wobble * math.sin(half * 7.3)
        return round(400 * 2 ** (half * self.growth + noise) * (0.92 if full else 1))

    def psnr(self, half, full):
        return 26 + 0.081 * half + (0.31 if full else 0) + self.wobble * math.sin(half)

    def score(self, half, full):
        """Steep at first and flat at the end, as it is."""
        return 100 - 85 * 0.99 ** (half + (3 if full else 0)) + self.wobble * math.sin(half)

    def __call__(self, half, quick, until):
        (self.quick if quick else self.full).append(half)
        size = self.size(half, not quick)
        psnr = self.psnr(half, not quick)
        report = Report(8 * size / PIXELS, psnr, psnr, 0, 0.0, half / 2)
        score = self.score(half, not quick)
        return Outcome(bytes(size), report, not quick, score, self.measured)


def search(limit, encoder, halves=HALVES, until=NEVER, quick_only=False):
    return reach(limit, halves, encoder, until, quick_only=quick_only)


@pytest.mark.parametrize("size", [405, 1000, 2345, 5000, 9999, 11_000])
def test_a_ceiling_is_filled_with_few_full_encodes(size):
    encoder = Encoder()
    found, remark = search(MaxBytes(size), encoder)
    assert found.full and remark == ""
    assert 0.98 * size <= len(found.data) <= size
    assert len(encoder.quick) <= 9 and len(encoder.full) <= 4


@pytest.mark.parametrize("db", [26.4, 30.0, 33.33, 41.9])
def test_a_floor_is_exceeded_by_little(db):
    encoder = Encoder()
    found, remark = search(MinPsnr(db), encoder)
    assert remark == ""
    assert db <= found.report.psnr_db <= db + 0.1
    assert len(encoder.quick) <= 9 and len(encoder.full) <= 4


@pytest.mark.parametrize("score", [20.0, 50.0, 70.0, 85.5])
def test_a_floor_of_ssimulacra2_is_exceeded_by_little(score):
    encoder = Encoder()
    found, remark = search(MinSsimulacra2(score), encoder)
    assert found.full and remark == "" and {*encoder.measured} == {"ssimulacra2"}
    assert score <= found.score <= score + 0.02 * (100 - score)
    assert len(encoder.quick) <= 9 and len(encoder.full) <= 4


@pytest.mark.parametrize("limit", [MaxBytes(3000), MaxBpp(1.6), MinPsnr(33)], ids=str)
def test_other_targets_measure_no_metric(limit):
    encoder = Encoder()
    search(limit, encoder)
    assert not encoder.measured


def test_a_picture_too_small_for_its_target(monkeypatch):
    monkeypatch.setattr(Encoder, "score", lambda *_: None)
    with pytest.raises(OptionError, match="too small for SSIMULACRA2"):
        search(MinSsimulacra2(50), Encoder())


def test_bits_per_pixel_are_bytes():
    found, _ = search(MaxBpp(1.6), Encoder())
    assert len(found.data) <= 2000 and len(found.data) >= 1960


@pytest.mark.parametrize("growth", [0.05, 0.2])
def test_steps_too_coarse_end_next_to_the_ceiling_and_say_so(growth):
    encoder = Encoder(growth)
    goal = 3000
    found, remark = search(MaxBytes(goal), encoder)
    half = round(2 * found.report.quality)
    assert encoder.size(half, True) <= goal < encoder.size(half + 1, True)
    if len(found.data) < 0.98 * goal:
        assert (
            f"the next quality, {(half + 1) / 2:g}, gives {encoder.size(half + 1, True):,} bytes"
            in remark
        )
    else:
        assert remark == ""


def test_a_curve_that_is_not_quite_monotone_still_keeps_the_limit():
    for size in range(450, 9000, 350):
        encoder = Encoder(wobble=0.03)
        found, _ = search(MaxBytes(size), encoder)
        assert 0.93 * size <= len(found.data) <= size
        assert len(encoder.full) <= 8


def test_whole_qualities_only():
    encoder = Encoder()
    found, _ = search(MaxBytes(3000), encoder, range(0, 201, 2))
    assert len(found.data) <= 3000
    assert not any(half % 2 for half in encoder.quick + encoder.full)


def test_effort_0_needs_no_second_search():
    encoder = Encoder()
    found, _ = search(MaxBytes(3000), encoder, quick_only=True)
    assert not encoder.full and not found.full
    assert 0.98 * 3000 <= len(found.data) <= 3000


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        (MaxBytes(300), "at most 300 bytes cannot be reached: quality 0 gives 368 bytes"),
        (MaxBpp(0.1), "at most 0.1 bpp cannot be reached: quality 0 gives 0.2944 bpp"),
        (MinPsnr(50), "at least 50 dB cannot be reached: quality 100 gives 42.51 dB"),
        (
            MinSsimulacra2(95),
            "at least SSIMULACRA2 95 cannot be reached: quality 100 gives SSIMULACRA2 88.95",
        ),
    ],
)
def test_what_cannot_be_reached_is_an_error_that_says_what_can(limit, message):
    with pytest.raises(OptionError) as caught:
        search(limit, Encoder())
    assert str(caught.value) == message


def test_what_only_a_full_search_reaches():
    found, _ = search(MaxBytes(390), Encoder())
    assert found.full and found.report.quality < 5


@pytest.mark.parametrize(("limit", "end"), [(MaxBytes(10**6), 100), (MinPsnr(5), 0)])
def test_easy_limits_end_at_the_end_of_the_scale(limit, end):
    found, remark = search(limit, Encoder())
    assert found.report.quality == end
    assert f"quality {end} is the end of the scale" in remark


class Slow(Encoder):
    """Moves the clock."""

    def __init__(self, monkeypatch, quick_s, full_s):
        super().__init__()
        self.now = 0.0
        self.seconds = quick_s, full_s
        self.shares = []
        monkeypatch.setattr(deadlines, "clock", lambda: self.now)

    def __call__(self, half, quick, until):
        self.shares.append((quick, until.left()))
        self.now += self.seconds[not quick]
        return super().__call__(half, quick, until)


def test_when_time_is_up_the_best_so_far_is_the_answer(monkeypatch):
    encoder = Slow(monkeypatch, 1.0, 100.0)
    found, remark = search(MaxBytes(2800), encoder, until=Deadline(50.0))
    assert len(encoder.full) == 1
    assert len(found.data) <= 2800
    assert found.full or "time limit" in remark or len(found.data) >= 0.98 * 2800
    quick, left = encoder.shares[-1]
    assert not quick and left <= 25


def test_no_time_at_all_still_keeps_the_limit(monkeypatch):
    encoder = Slow(monkeypatch, 1.0, 1.0)
    found, remark = search(MaxBytes(600), encoder, until=Deadline(0.0))
    assert len(found.data) <= 600 and not encoder.full
    assert "the time limit ended the search" in remark or len(found.data) >= 588
