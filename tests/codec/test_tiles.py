"""Searches of large pictures, tile by tile."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from codec.contract.effort import Effort
from codec.contract.modes import Lossy
from codec.contract.options import EncodeOptions
from codec.encoding import lossy, start
from codec.encoding.contents import tiles


@pytest.mark.parametrize("size", [(2, 2), (6, 4096), (130, 64), (66, 126), (252, 378)])
def test_tiles_cover_the_picture_once(size):
    seen = np.zeros(size, int)
    for tile in tiles.tiles(*size):
        seen[tile.rows, tile.columns] += 1
        outer = np.zeros(size, int)[tile.outer_rows, tile.outer_columns]
        outer[tile.inside] = 1
        assert outer.sum() == seen[tile.rows, tile.columns].size
        for side in (tile.rows, tile.columns, tile.outer_rows, tile.outer_columns):
            assert side.start % 2 == 0 and 0 < side.stop - side.start
        assert max(outer.shape) <= tiles.SIDE + 2 * tiles.HALO or outer.shape == size
    assert (seen == 1).all()


def test_the_halo_is_around_the_tile_but_at_the_border():
    first, *_ = tiles.tiles(128, 128)
    assert (first.rows, first.outer_rows) == (slice(0, 64), slice(0, 68))
    assert first.inside == (slice(0, 64), slice(0, 64))
    *_, last = tiles.tiles(128, 128)
    assert (last.columns, last.outer_columns) == (slice(64, 128), slice(60, 128))
    assert last.inside == (slice(4, 68), slice(4, 68))


def test_two_megapixels_are_one_tile():
    (whole,) = tiles.tiles(64, 128)
    assert (whole.outer_rows, whole.outer_columns) == (slice(0, 64), slice(0, 128))
    assert len(list(tiles.tiles(66, 128))) == 4


def test_tiles_gain_nearly_what_the_whole_gains(released, photo, monkeypatch):
    plain = start.make_task(photo, EncodeOptions(effort=0), Lossy(40))
    effort = Effort(False, rounds=1, latent_steps=30)

    def gain() -> float:
        progress = []
        refined = dataclasses.replace(
            plain, effort=effort, trace=[], progress=lambda stage, done: progress.append(done)
        )
        before, after = lossy.rounds(refined)
        assert progress == sorted(progress)
        return 1 - after.cost / before.cost

    whole = gain()
    monkeypatch.setattr(tiles, "UNDIVIDED", 1)
    monkeypatch.setattr(tiles, "SIDE", 6)
    assert gain() > 0.85 * whole > 0.01
