"""Pictures to files, and standard files with and without updates."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import codec
from bitstream import MAGIC
from codec import files
from codec.batch import recipes
from codec.batch.jobs import WritingJob
from codec.batch.results import Encoded, Enhanced, Stripped
from codec.contract.modes import Lossless
from codec.contract.options import EncodeOptions
from codec.contract.report import EncodeResult, EnhanceReport, OnProgress
from codec.errors import blaming
from codec.opening import StandardFile, open_standard
from codec.picture import formats

if TYPE_CHECKING:
    from codec.picture.reading import Raster


@dataclass(frozen=True, kw_only=True)
class EncodeJob(WritingJob):
    """A picture to a file.

    Attributes:
        report: name of a page to write on the encode; empty for none.
        roi: name of a picture that says where errors weigh more; empty for none.
        recipe: what to note on the output about its making, see `recipes`; empty for nothing.
    """

    options: EncodeOptions
    report: str = ""
    roi: str = ""
    recipe: bytes = b""

    def run(self, on_progress: OnProgress) -> Encoded:
        """Encodes."""
        roi = self.read_roi() if self.roi else None
        with blaming(self.source):
            data = self.read()
            # A file of this codec may need an update file beside it, which is found by its name.
            named = data.startswith(MAGIC) and os.path.isfile(self.path(self.source))
            picture = self.path(self.source) if named else data
            encoded = codec.encode(picture, self.options, on_progress, roi=roi)
        self.write(encoded.data)
        if self.recipe and not files.is_stream(self.target):
            recipes.sign(self.path(self.target), encoded.data, self.recipe)
        if self.report:
            self.write_report(picture, encoded)
        return Encoded.of(encoded, self.source, self.target)

    def read_roi(self) -> Raster:
        """Reads the region of interest."""
        from codec.pictures import load_raster

        with blaming(self.roi):
            return load_raster(files.read(self.path(self.roi)), EncodeOptions(metadata=()))

    def write_report(self, picture: bytes | str, encoded: EncodeResult) -> None:
        """Writes the page."""
        from codec.pages.report.page import render
        from codec.pictures import load_raster

        with blaming(self.report):
            raster = load_raster(picture, self.options)
            is_lossless = isinstance(self.options.mode, Lossless)
            pixels = (raster if is_lossless else raster.continued()).pixels
            page = render(self.source, pixels, encoded, self.options)
            with files.open_output(self.path(self.report), force=self.force) as file:
                file.write(page.encode())


@dataclass(frozen=True, kw_only=True)
class StandardJob(WritingJob):
    """A job that makes a standard file of another."""

    def read_standard(self) -> StandardFile:
        """Reads the input, which must be a standard file; the output must be named like one."""
        with blaming(self.source):
            file = open_standard(self.read())
        with blaming(self.target):
            formats.check_name(self.target, file.carrier.NAME)
        return file


@dataclass(frozen=True, kw_only=True)
class EnhanceJob(StandardJob):
    """A standard file to the same file with an update.

    Attributes:
        original: name of the picture that the file was made from.
    """

    original: str
    options: EncodeOptions

    def run(self, on_progress: OnProgress) -> Enhanced:
        """Enhances."""
        from codec.picture import transparency
        from codec.pictures import load_raster

        with blaming(self.original):
            options = replace(self.options, metadata=())  # the file has its own
            raster = load_raster(files.read(self.path(self.original)), options)
        data = self.read_standard().data
        with blaming(self.source):
            original = transparency.join_opacity(raster.pixels, raster.alpha)
            enhanced = codec.enhance(original, data, self.options, on_progress).noting(raster.note)
        self.write(enhanced.data)
        report = enhanced.report
        assert isinstance(report, EnhanceReport)  # noqa: S101 (for the type checker)
        return Enhanced(
            self.source,
            self.target,
            len(enhanced.data),
            report.plain_bytes,
            report.update_bytes,
            report.bpp,
            report.psnr_db,
            report.plain_psnr_db,
            report.seconds,
            report.note,
        )


@dataclass(frozen=True, kw_only=True)
class StripJob(StandardJob):
    """A standard file to the same file without an update."""

    def run(self, on_progress: OnProgress) -> Stripped:
        """Strips."""
        file = self.read_standard()
        with blaming(self.source):
            plain = file.plain
        self.write(plain)
        return Stripped(self.source, self.target, len(file.data), len(plain))
