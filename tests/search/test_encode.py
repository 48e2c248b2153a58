"""Targets and time limits of real encodes."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

import codec
from codec import EncodeOptions, Lambda, Lossy, MaxBpp, MaxBytes, MinPsnr, MinSsimulacra2, opening
from codec.contract.effort import effort_at
from codec.contract.modes import mode_of
from codec.contract.quality import lambda_at, quality_at
from codec.decoding.restored import Restored
from codec.encoding import deadline, frame
from codec.errors import OptionError, VerifyError
from codec.picture.metadata import NO_METADATA
from codec.picture.ssimulacra2 import ssimulacra2

PIXELS = 96 * 128


def psnr_db(data, original):
    error = np.square(codec.decode(data).astype(float) - original).mean()
    return 10 * np.log10(255**2 / error)


@pytest.mark.parametrize("effort", [0, 1])
@pytest.mark.parametrize("target", [MaxBytes(1100), MaxBpp(0.5)], ids=str)
def test_ceilings_hold_for_the_file(crop, target, effort):
    result = codec.encode(crop, EncodeOptions(Lossy(target=target), effort=effort))
    limit = target.value if isinstance(target, MaxBytes) else target.value * PIXELS / 8
    assert len(result.data) <= limit
    assert len(result.data) >= 0.98 * limit or "the next quality" in result.report.note
    assert result.report.bpp == 8 * len(result.data) / PIXELS
    assert codec.decode(result.data).shape == crop.shape


@pytest.mark.parametrize("effort", [0, 1])
def test_floors_hold_for_the_decoded_pixels(crop, effort):
    result = codec.encode(crop, EncodeOptions(Lossy(target=MinPsnr(31)), effort=effort))
    reached = psnr_db(result.data, crop)
    assert reached >= 31
    assert reached <= 31.1 or "the next quality" in result.report.note
    assert result.report.psnr_db == pytest.approx(reached)


def test_a_floor_of_ssimulacra2_holds_for_the_decoded_pixels(crop):
    result = codec.encode(crop, EncodeOptions(Lossy(target=MinSsimulacra2(60)), effort=0))
    reached = ssimulacra2(codec.decode(result.data), crop)
    assert reached >= 60
    assert reached <= 60.8 or "the next quality" in result.report.note


def test_equal_pictures_are_no_target():
    with pytest.raises(OptionError, match="no target"):
        MinSsimulacra2(100)


def test_the_file_is_that_of_its_quality(crop):
    found = codec.encode(crop, EncodeOptions(Lossy(target=MaxBytes(900)), effort=1))
    again = codec.encode(crop, EncodeOptions(Lossy(quality=found.report.quality), effort=1))
    assert again.data == found.data


def test_lambda_is_a_quality(crop):
    assert quality_at(lambda_at(37.5)) == pytest.approx(37.5)
    by_lambda = codec.encode(crop, EncodeOptions(Lossy(target=Lambda(lambda_at(37.5))), effort=0))
    by_quality = codec.encode(crop, EncodeOptions(Lossy(quality=37.5), effort=0))
    assert by_lambda.data == by_quality.data
    assert by_lambda.report.quality == 37.5


def test_jpeg_content_has_whole_qualities(crop):
    result = codec.encode(
        crop, EncodeOptions(Lossy(target=MaxBytes(2500), content="jpeg"), effort=0)
    )
    assert len(result.data) <= 2500
    quality = result.report.quality
    assert quality.is_integer()
    assert len(result.data) >= 0.98 * 2500 or f"quality, {quality + 1:g}," in result.report.note
    file = io.BytesIO()
    jpeg = {"subsampling": "4:2:0", "optimize": True, "progressive": True}
    Image.fromarray(crop).save(file, "jpeg", quality=int(quality), **jpeg)
    assert file.getvalue() in result.data


def test_what_no_quality_reaches(crop):
    options = EncodeOptions(Lossy(target=MaxBytes(20)), effort=0)
    with pytest.raises(OptionError, match=r"cannot be reached: quality 0 gives \d+ bytes$"):
        codec.encode(crop, options)


@pytest.mark.parametrize(
    "options",
    [
        {"quality": 60, "target": MaxBytes(1000)},
        {"quality": 60.0, "target": Lambda(0.01)},
        {"target": Lambda(0.01), "content": "jpeg"},
        {"target": MaxBytes(1000), "content": "jpeg", "standard_file": True},
        {"quality": 30, "content": "compressai:mbt2018-mean:3"},
        {"standard_file": True},
    ],
)
def test_modes_that_make_no_sense(options):
    with pytest.raises(OptionError):
        mode_of(**options)


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan")])
def test_time_limits_that_make_no_sense(seconds):
    with pytest.raises(OptionError):
        EncodeOptions(time_limit=seconds)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
@pytest.mark.parametrize("kind", [Lambda, MaxBpp, MaxBytes, MinPsnr, MinSsimulacra2])
def test_targets_that_make_no_sense(kind, value):
    with pytest.raises(OptionError):
        kind(value)


def test_only_the_chosen_file_is_verified(crop, monkeypatch):
    opened = []

    def open_file(data):
        opened.append(data)
        return opening.open_file(data)

    monkeypatch.setattr(frame, "open_file", open_file)
    result = codec.encode(crop, EncodeOptions(Lossy(target=MaxBytes(900)), effort=0))
    assert opened == [result.data]


def test_a_chosen_file_that_does_not_verify_is_an_error(crop, monkeypatch):
    wrong = Restored(crop, NO_METADATA)
    monkeypatch.setattr(frame, "restore", lambda opened, options: wrong)
    with pytest.raises(VerifyError):
        codec.encode(crop, EncodeOptions(Lossy(target=MaxBytes(900)), effort=0))


class Clock:
    """Jumps by so many seconds whenever it is read."""

    def __init__(self, stride):
        self.now, self.stride = 0.0, stride

    def __call__(self):
        self.now += self.stride
        return self.now


def searched(crop, monkeypatch, stride, limit):
    monkeypatch.setattr(deadline, "clock", Clock(stride))
    stages = []
    options = EncodeOptions(effort=3, time_limit=limit)
    result = codec.encode(crop, options, lambda stage, done: stages.append(stage))
    assert psnr_db(result.data, crop) == pytest.approx(result.report.psnr_db)
    return result, stages


def test_a_time_limit_that_is_long_changes_nothing(crop, monkeypatch):
    free = codec.encode(crop, EncodeOptions(effort=3))
    limited, _ = searched(crop, monkeypatch, 1e-4, 1e6)
    assert limited.data == free.data


def test_no_time_leaves_what_needs_no_search(crop, monkeypatch):
    limited, stages = searched(crop, monkeypatch, 1000.0, 1.0)
    assert stages == []
    assert limited.data == codec.encode(crop, EncodeOptions(effort=0)).data


def test_some_time_shortens_the_searches(crop, monkeypatch):
    """The clock moves once per step, of the fit of the prior too."""
    free, limited = (searched(crop, monkeypatch, 1e5, limit)[1] for limit in (1e9, 5e6))
    assert set(free) == {"update", "refining"}
    assert 0 < len(limited) < len(free)


def test_the_trace_has_every_step(crop):
    trace = codec.encode(crop, EncodeOptions(effort=3)).trace
    steps = effort_at(3).latent_steps
    stages = ["update"] * 9 + ["refining"] * steps + ["update"] * 9
    assert [point.stage for point in trace] == stages
    assert all(type(point.cost) is float and np.isfinite(point.cost) for point in trace)
    assert min(point.cost for point in trace[:9]) < 0
    assert trace[8 + steps].cost < trace[9].cost


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_gpu_that_is_not_there_is_an_error(crop):
    with pytest.raises(OptionError, match="no CUDA device"):
        codec.encode(crop, EncodeOptions(device="cuda"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_a_search_on_a_gpu_decodes_on_the_cpu(crop):
    result = codec.encode(crop, EncodeOptions(effort=3, device="cuda"))
    assert psnr_db(result.data, crop) == pytest.approx(result.report.psnr_db)
