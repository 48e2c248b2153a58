"""THE frame of every encode: a story makes files; the frame times, verifies and reports them.

A story knows pictures, options and searches; what came of it is a `Coded` for each picture.  All
stories are told alike: lossy, lossless, standard files, and sets that share an update.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from bitstream import ChecksumMismatch
from codec.contract.decoding import DecodeOptions
from codec.contract.report import EncodeResult, Report, TracePoint
from codec.decoding.decoder import restore
from codec.errors import VerifyError
from codec.opening import open_file
from codec.picture.pixels import Pixels, Samples, psnr_db


@dataclass(frozen=True, eq=False)
class Coded:
    """A file with its figures.

    Attributes:
        data: the file.
        pixels: what it must decode to, transparency included; None where only other programs
            decode it.
        report: all figures but for the seconds, which the frame knows.
        trace: the steps of the searches.
    """

    data: bytes
    pixels: Samples | None
    report: Report
    trace: tuple[TracePoint, ...] = ()

    def noting(self, note: str) -> Coded:
        """The same with one more note; none if it is empty."""
        return replace(self, report=self.report.noting(note))


@dataclass(frozen=True, eq=False)
class Told:
    """What a story came to.

    Attributes:
        files: one for each picture.
        update: an update file that they may name; empty for none.
        sharing: how many of them name it.
    """

    files: tuple[Coded, ...]
    update: bytes = b""
    sharing: int = 0


def tell(story: Callable[[], Told], *, verify: bool) -> tuple[Told, tuple[EncodeResult, ...]]:
    """Tells a story, decodes its files to verify them, and takes the time of all.

    Args:
        story: makes a file for each picture.
        verify: whether to decode the files and compare.

    Returns:
        What the story came to, and the result for each picture: seconds are an equal part.

    Raises:
        VerifyError: a file does not decode to what the encoder saw (never expected).
    """
    start = time.perf_counter()
    told = story()
    if verify:
        for coded in told.files:
            verify_coded(coded, (told.update,))
    seconds = (time.perf_counter() - start) / len(told.files)
    return told, tuple(
        EncodeResult(coded.data, replace(coded.report, seconds=seconds), coded.trace)
        for coded in told.files
    )


def verify_coded(coded: Coded, updates: tuple[bytes, ...] = ()) -> None:
    """Decodes a file, given the update files that it may name, and compares.

    Raises:
        VerifyError: it does not decode to what the encoder saw.
    """
    if coded.pixels is None:
        return
    try:
        restored = restore(open_file(coded.data), DecodeOptions(max_pixels=None, updates=updates))
        same = not restored.complaint and np.array_equal(restored.pixels, coded.pixels)
    except ChecksumMismatch:
        same = False
    if not same:
        raise VerifyError("the file does not decode to the encoded picture; nothing was written")


def figures(
    data: bytes, original: Pixels, pixels: Pixels, base: Pixels, *, update_bytes: int, half: int
) -> Report:
    """Measures a file.

    Args:
        data: the file.
        original: uint8 [h w 3], what was encoded.
        pixels: what it decodes to.
        base: what it would decode to without its update.
        update_bytes: what the update takes of it.
        half: its quality in halves.
    """
    height, width, _ = original.shape
    return Report(
        bpp=8 * len(data) / (width * height),
        psnr_db=psnr_db(pixels, original),
        base_psnr_db=psnr_db(base, original),
        update_bytes=update_bytes,
        seconds=0.0,
        quality=half / 2,
    )
