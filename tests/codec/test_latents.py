"""Latents through the entropy coder and back."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from bitstream import LimitExceeded
from codec.decoding.engines.choice import chosen
from codec.encoding.contents.latents import encode_latents
from codec.networks.integers import Scales
from codec.networks.order import Grid


def coded(tiny, y, grid, half=90):
    """Codeword, the encoder's values, the decoder's values."""
    level, scales = tiny.level(half), Scales.plain(tiny.config.channels)
    walk = partial(chosen().scan, tiny, scales, grid, level)
    found = encode_latents(y, walk, level, grid, tiny.tables)
    reader = chosen().reader(found.payload, tiny.tables)
    decoded = walk(lambda slot, means, steps, tables: reader.code(np.empty(means.shape), tables))
    return found.payload, found.values, decoded


def random_latents(tiny, grid, deviation, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (1, tiny.config.channels, grid.height, grid.width)
    return torch.randn(shape, generator=generator) * deviation


def has_symbol(y, grid):
    mask = torch.zeros_like(y, dtype=torch.bool)
    mask[:, :, : grid.rows, : grid.columns] = True
    return mask


def planes(latents):
    """[h w c] as [1 c h w]."""
    return torch.from_numpy(latents).permute(2, 0, 1)[None]


GRIDS = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 5), (4, 3), (4, 6)]


@pytest.mark.parametrize("size", GRIDS, ids=str)
@pytest.mark.parametrize("deviation", [0, 30, 3000, 1e6])
def test_round_trip(tiny, size, deviation):
    grid = Grid(*size)
    y = random_latents(tiny, grid, deviation)
    _, values, decoded = coded(tiny, y, grid)
    assert np.array_equal(values, decoded)
    values = planes(values)
    inside = has_symbol(y, grid)
    assert (values[~inside] == 0).all()
    coarsest = 2 * tiny.level(90).step
    assert ((values - y.double() * 64)[inside].abs() <= coarsest / 2).all()


@pytest.mark.parametrize("half", [0, 1, 199, 200])
def test_round_trip_at_the_ends_of_the_scale(tiny, half):
    grid = Grid(3, 2)
    _, values, decoded = coded(tiny, random_latents(tiny, grid, 500), grid, half)
    assert np.array_equal(values, decoded)


def test_what_lies_outside_costs_nothing(tiny):
    grid = Grid(1, 3)
    y = random_latents(tiny, grid, 300)
    data, _, _ = coded(tiny, y, grid)
    y[~has_symbol(y, grid)] += 9000
    assert coded(tiny, y, grid)[0] == data


def test_escapes_are_coded_beyond_every_table(tiny):
    grid = Grid(2, 3)
    y = random_latents(tiny, grid, 30)
    y[0, 0, 1, 2], y[0, -1, 0, 0] = 1e7, -1e7
    _, values, decoded = coded(tiny, y, grid)
    assert np.array_equal(values, decoded)
    assert values[1, 2, 0] == pytest.approx(64e7, abs=tiny.level(90).step)


def test_what_no_escape_can_code_is_refused(tiny):
    grid = Grid(1, 1)
    with pytest.raises(LimitExceeded, match="too large"):
        coded(tiny, torch.full((1, tiny.config.channels, 2, 2), 4e9), grid)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((1, 1), (1, 1, 2, 2)), ((16, 17), (2, 1, 2, 2)), ((33, 48), (3, 3, 4, 4))],
)
def test_grid_of_a_picture(size, expected):
    grid = Grid.of_picture(*size)
    assert (grid.rows, grid.columns, grid.height, grid.width) == expected
