"""Files to pictures, or to the word that they decode."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

import codec
from codec import files
from codec.batch import mark
from codec.batch.jobs import FileJob, WritingJob
from codec.batch.results import Decoded, Verified
from codec.contract.decoding import DecodeOptions
from codec.contract.report import OnProgress
from codec.errors import ImageError, VerifyError, blaming
from codec.picture import formats


@dataclass(frozen=True, kw_only=True)
class DecodeJob(WritingJob):
    """A file to a picture.

    Attributes:
        format: of the picture, a name in `codec.picture.formats`.
    """

    options: DecodeOptions
    format: str = "png"

    def run(self, on_progress: OnProgress) -> Decoded:
        """Decodes."""
        from codec.picture import writing
        from codec.picture.notes import Notes

        with blaming(self.source):
            restored, notes = codec.restore(self.path(self.source), self.options), Notes()
            form = formats.BY_NAME[self.format]
            picture = writing.save(restored.pixels, restored.metadata, form, notes)
        place = self.path(self.source)
        if form is formats.PNG and Path(place).is_file():
            picture = mark.marked(picture, files.read(place), self.options.scale)
        self.write(picture)
        height, width, _ = restored.pixels.shape
        note = "; ".join(note.text for note in notes)
        return Decoded(self.source, self.target, width, height, restored.complaint, note)


@dataclass(frozen=True, kw_only=True)
class VerifyJob(FileJob):
    """A file to nothing: whether it decodes, and how close to the picture `against`."""

    options: DecodeOptions
    against: str | None = None

    def run(self, on_progress: OnProgress) -> Verified:
        """Decodes, and compares."""
        from codec.contract.options import ReadOptions
        from codec.picture import depth, reading, transparency
        from codec.picture.metrics import NO_FIGURES, measure

        with blaming(self.source):
            restored = codec.restore(self.path(self.source), self.options)
            if restored.complaint:
                raise VerifyError(restored.complaint)
        pixels = restored.pixels
        height, width, _ = pixels.shape
        if self.against is None:
            return Verified(self.source, width, height, dict(NO_FIGURES))
        everything = ReadOptions(max_pixels=None)
        with blaming(self.against):
            reference = reading.load_pixels(files.read(self.path(self.against)), everything)
            if reference.shape[:2] != (height, width):
                raise ImageError(f"is not {width} x {height}, the size of {self.source}")
            if pixels.dtype != np.uint8:
                pixels = depth.to_eight(pixels)  # as the reference was read
            if not np.array_equal(pixels[..., 3:], reference[..., 3:]):
                raise ImageError(f"has another transparency than {self.source}")
            if not restored.lossless:
                reference = transparency.continued(reference)
        found = measure(pixels[..., :3], reference[..., :3])
        return Verified(self.source, width, height, found)
