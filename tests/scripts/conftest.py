"""Makes the pictures and tables the tests share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from codec.research.tables import Row, append_row

RunScript = Callable[..., tuple[int, str, str]]
WriteTable = Callable[..., Path]

# Quality, rate and PSNR of an imaginary codec.
CURVE = ((10, 0.2, 27.0), (30, 0.5, 30.0), (60, 1.0, 33.5), (90, 2.0, 38.0))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder with a picture large enough for MS-SSIM and one that is not."""
    folder = tmp_path / "images"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name, size in (("large", (176, 192)), ("small", (48, 64))):
        coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize(size).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def run_script(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunScript:
    """Runs a script's main as the command line would: exit status, stdout, stderr."""

    def run(main: Callable[[], int], *args: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["script", *map(str, args)])
        try:
            status = main()
        except SystemExit as exit_request:
            status = int(exit_request.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def write_table(tmp_path: Path) -> WriteTable:
    """Writes CURVE for some images, its rates scaled, as rows of a codec."""

    def write(
        name: str,
        codec: str = "jpeg",
        effort: str = "",
        images: tuple[str, ...] = ("a", "b"),
        rate: float = 1.0,
        gain_db: float = 0.0,
    ) -> Path:
        path = tmp_path / name
        for number, image in enumerate(images):
            for quality, bpp, psnr_db in CURVE:
                row = Row(
                    image=image,
                    width=100,
                    height=80,
                    codec=codec,
                    effort=effort,
                    quality=quality,
                    bytes=round(1000 * bpp),
                    bpp=bpp * rate * (1 + number),
                    enc_s=0.1,
                    dec_s=0.1,
                    update_bytes=0,
                    version="1",
                    psnr_db=psnr_db + gain_db - number,
                    ssimulacra2=4 * (psnr_db - 20),
                    ms_ssim=1 - 1 / psnr_db**2,
                    butteraugli=30 / psnr_db,
                )
                append_row(path, row)
        return path

    return write
