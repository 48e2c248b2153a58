"""The table of what integers cost."""

from __future__ import annotations

import pytest

from codec.models import released
from scripts.compare.arithmetic import Row, arithmetic_table, measure


def test_the_table_has_the_bd_rate_of_the_bytes() -> None:
    rows = [
        Row(name, quality, size, psnr_db, size / share, psnr_db)
        for name, share in (("a", 1.01), ("b", 1.03))
        for quality, size, psnr_db in ((10, 100, 25.0), (50, 300, 30.0), (90, 900, 36.0))
    ]
    assert arithmetic_table(rows).splitlines()[-1] == "| 2 | +2.00 % | +1.00 % | +3.00 % |"


def test_both_sides_code_the_same_picture() -> None:
    from skimage import data

    row = measure("cat", data.chelsea()[:128, 64:192], 50, released.load_default().search())
    assert row.integer_bytes == pytest.approx(row.float_bytes, rel=0.05)
    assert row.integer_psnr_db == pytest.approx(row.float_psnr_db, abs=0.1)
