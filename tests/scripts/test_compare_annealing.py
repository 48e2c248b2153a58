"""The comparison of refinements: all of them run, and ours beats the others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image
from skimage import data

from scripts.compare import annealing
from scripts.compare.annealing import Row, annealing_table, variants


@pytest.fixture
def rows(tmp_path, monkeypatch) -> list[Row]:
    path = tmp_path / "coffee.png"
    Image.fromarray(data.coffee()).save(path)
    monkeypatch.setattr(annealing, "WIDTH", 96)
    monkeypatch.setattr(annealing, "HEIGHT", 96)
    alike = [replace(variant, steps=20) for variant in variants()]
    monkeypatch.setattr(annealing, "variants", lambda: iter(alike[1:]))
    return list(annealing.measure(path, 40.0))


def test_all_changes_save_more_than_none_or_one_of_them(rows):
    """With and without sharper odds: those change less than another processor's last bits do."""
    by_name = {row.variant: row.saved_percent for row in rows}
    assert len(by_name) == 8 and min(by_name.values()) >= 0
    *others, all_four, released = by_name.values()
    assert min(all_four, released) > max(others)


def test_the_table_has_means_in_order():
    rows = [Row(name, 20, "a", quality, 2.0 * quality) for name in "ba" for quality in (1.0, 2.0)]
    lines = annealing_table(rows).splitlines()
    assert lines[2:] == ["| b | 20 | 3.0 % |", "| a | 20 | 3.0 % |"]
