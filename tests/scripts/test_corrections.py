"""The networks that correct lossless predictions learn what errors tell, also as integers."""

from __future__ import annotations

import numpy as np
import torch

from codec.networks.lossless.corrector import Corrector, input_count
from scripts.release import corrections

CASE = 0, 0, 2
LOG2_WIDTH = torch.tensor(1.5)


def test_what_an_error_tells_is_learned(monkeypatch):
    """Pixels that follow one of the errors are expected where it went."""
    monkeypatch.setattr(corrections, "ITERATIONS", 150)
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    told = rng.integers(-256, 257, (4000, input_count(CASE))).astype(np.int16)
    error = rng.logistic(told[:, 0] / 128, 0.5)
    target = np.stack([np.round(error), *np.full((3, 4000), [[2.0], [0.0], [-4.0]])], 1)
    corrector = corrections.fitted([(told, target.astype(np.float32))], LOG2_WIDTH)
    with torch.no_grad():
        inputs, wanted = torch.from_numpy(told), torch.from_numpy(target).float()
        learned = float(corrections.bits(corrector, inputs, wanted, LOG2_WIDTH).mean())
        changes = corrector(inputs).numpy()
        torch.nn.init.zeros_(corrector.leave.weight)
        torch.nn.init.zeros_(corrector.leave.bias)
        plain = float(corrections.bits(corrector, inputs, wanted, LOG2_WIDTH).mean())
    assert learned < plain - 0.3
    assert np.corrcoef(changes[:, 0], told[:, 0])[0, 1] > 0.95


def test_the_integers_compute_the_same():
    torch.manual_seed(0)
    told = np.random.default_rng(0).integers(-256, 257, (500, input_count(CASE))).astype(np.int16)
    corrector = corrections.FloatCorrector(torch.from_numpy(told))
    torch.nn.init.normal_(corrector.leave.weight, 0, 0.3)
    exact = Corrector.of_arrays(corrector.arrays(Corrector.name(CASE)), CASE)
    with torch.no_grad():
        wanted = corrector(torch.from_numpy(told)).numpy()
    assert np.abs(exact(told.astype(np.int64)) / 256 - wanted).max() < 0.03
