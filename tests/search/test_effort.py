"""The table of effort levels."""

from __future__ import annotations

from dataclasses import fields

import pytest

from codec.contract import effort
from codec.contract.effort import Effort, effort_at, efforts, parse
from codec.contract.options import EFFORT_MAX

ROW = """level = 0
adds = "x"
update = true
thorough = false
rounds = 1
latent_steps = 3
"""


def test_a_level_for_each_option_value():
    assert len(efforts()) == EFFORT_MAX + 1
    assert all(effort_at(level).adds for level in range(EFFORT_MAX + 1))


def test_each_level_does_at_least_what_the_one_below_does():
    searches = [field.name for field in fields(Effort) if field.name != "adds"]
    for below, level in zip(efforts(), efforts()[1:], strict=False):
        values = [(getattr(below, name), getattr(level, name)) for name in searches]
        assert all(less <= more for less, more in values)
        assert any(less < more for less, more in values)


def test_level_0_searches_nothing():
    assert not effort_at(0).latent_steps and not effort_at(0).update


def test_a_row():
    expected = Effort(True, rounds=1, latent_steps=3, adds="x")
    assert parse("[[effort]]\n" + ROW) == (expected,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "steps = 3\n[[effort]]\n" + ROW,
        "[[effort]]\nmore = 1\n" + ROW,
        "[[effort]]\n" + ROW.replace("update = true\n", ""),
        "[[effort]]\n" + ROW.replace("level = 0", "level = 1"),
        "[[effort]]\n" + ROW.replace("level = 0\n", ""),
        "[[effort]]\n" + ROW.replace("= 3", "= 3.0"),
        "[[effort]]\n" + ROW.replace("= 3", "= -3"),
        "[[effort]]\n" + ROW.replace("= 3", "= true"),
        "[[effort]]\n" + ROW.replace("= true", "= 1"),
        "[[effort]]\n" + ROW + "[[effort]]\n" + ROW,
        "[[effort]\n",
    ],
)
def test_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def test_the_table_lies_beside_the_code():
    assert effort.TABLE.is_file() and effort.TABLE.parent.name == "contract"
