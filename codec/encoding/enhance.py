"""THE enhance story: standard file -> fitted filter -> the same file with a payload.

Any viewer shows the file as ever; `codec.decoding.enhanced` shows a better picture.  The payload is
put in only if it lowers distortion + lambda * rate of the real file.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from bitstream import BadMagic
from bitstream.carriers import CARRIERS, Carrier, carrier_of
from bitstream.carriers.enhancement import Enhancement
from codec.contract.options import EncodeOptions
from codec.contract.report import EncodeResult, EnhanceReport
from codec.decoding import enhanced
from codec.encoding import standard_quality
from codec.encoding.adapt import adapt
from codec.encoding.contents import standard
from codec.encoding.job import Content, Job, OnProgress
from codec.encoding.start import make_job
from codec.errors import ImageError, VerifyError
from codec.picture import standard as standard_file
from codec.picture.metadata import as_stored, upright
from codec.picture.pixels import Pixels, check_pixels, psnr_db
from codec.picture.reading import Raster
from codec.picture.standard import STANDARD

NO_GAIN = "the filter does not improve this picture, so the file carries nothing"


@dataclass(frozen=True, eq=False)
class Candidate:
    """A file, what it decodes to, and the length of the update in it."""

    data: bytes
    pixels: Pixels
    update_bytes: int = 0

    def cost(self, job: Job, content: Content) -> float:
        """Bits, and what the errors are worth in bits."""
        return 8 * len(self.data) + content.weight * job.squared_error(self.pixels)


def enhance(
    original: Pixels,
    data: bytes,
    options: EncodeOptions | None = None,
    on_progress: OnProgress | None = None,
) -> EncodeResult:
    """Fits the post-filter to a standard file, and puts what the decoder needs into it.

    Nothing else of the file changes; a payload that it carries already is replaced.

    Args:
        original: what the file was made from, uint8 [h w 3], RGB, upright.
        data: a JPEG, WebP or AVIF file of any writer.
        options: effort, update, verify and device count; the file settles the rest.
        on_progress: called with a stage and the fraction of it that is done.

    Raises:
        FormatError: its structure is broken, or has no room for a payload.
        ImageError: the file is damaged, holds more than 8-bit RGB, or has another size than the
            original.
        OptionError: the device is not there.
        ModelError: there is no model for that format.
        VerifyError: the file does not decode to what the encoder saw (never expected).
    """
    start = time.perf_counter()
    check_pixels(original)
    carrier = carrier_of(data)
    if carrier is None:
        raise BadMagic("not a JPEG, WebP or AVIF file")
    plain = carrier.strip(data)
    orientation = standard_file.read_metadata(plain).orientation
    pixels = standard_file.read_pixels(plain)
    height, width = upright(pixels, orientation).shape[:2]
    if original.shape[:2] != (height, width):
        raise ImageError(
            f"is {width} x {height}, and its original {original.shape[1]} x {original.shape[0]}"
        )
    options = replace(options or EncodeOptions(), content=carrier.NAME)
    job = make_job(as_stored(original, orientation), options, on_progress)
    job = replace(job, half=standard_quality.find_half(job, plain, pixels))
    return _best_file(job, carrier, plain, start, verify=options.verify)


def encode(
    raster: Raster, options: EncodeOptions, on_progress: OnProgress | None = None
) -> EncodeResult:
    """Writes a picture as a standard file, and enhances that.

    Args:
        raster: pixels, and what the file is to hold besides.
        options: with a standard content.
        on_progress: called with a stage and the fraction of it that is done.

    Raises:
        ImageError: the format cannot hold the picture or its metadata.
        Else as `enhance`.
    """
    start = time.perf_counter()
    check_pixels(raster.pixels)
    if raster.alpha is not None:
        raise ImageError(
            f"has transparency, which {options.content.upper()} files of this codec do not hold; "
            "flatten it onto a background, or write a file of another name"
        )
    job = make_job(raster.pixels, options, on_progress)
    carrier = next(found for found in CARRIERS if found.NAME == options.content)
    try:
        plain = STANDARD[carrier.NAME].write(
            raster.pixels, options.quality, **raster.metadata.save_options()
        )
    except (ValueError, OSError) as error:
        raise ImageError(f"does not fit into a {carrier.NAME.upper()} file: {error}") from error
    return _best_file(job, carrier, plain, start, verify=options.verify)


def _best_file(
    job: Job, carrier: Carrier, plain: bytes, start: float, *, verify: bool
) -> EncodeResult:
    """The file of least cost: without a payload, with that of the base filter, or of an update."""
    content = standard.content_of(job, plain)
    adapted = adapt(job, content)
    pixels = standard_file.read_pixels(plain)
    picture = standard_file.picture_of(pixels)
    candidates = [Candidate(plain, pixels)]
    for update, filtered in ((b"", adapted.base), (adapted.payload, adapted.pixels)):
        payload = Enhancement.of_picture(picture, job.model.id, job.half, update).pack()
        candidates.append(Candidate(carrier.insert(plain, payload), filtered, len(update)))
    best = min(candidates, key=lambda found: found.cost(job, content))
    if verify and best.data != plain:
        decoded, complaint = enhanced.restore(best.data)
        if complaint or not np.array_equal(decoded, best.pixels):
            raise VerifyError("the file does not decode to the encoded picture")
    return EncodeResult(
        best.data,
        EnhanceReport(
            bpp=8 * len(best.data) / (picture.width * picture.height),
            psnr_db=psnr_db(best.pixels, job.pixels),
            base_psnr_db=psnr_db(adapted.base, job.pixels),
            update_bytes=best.update_bytes,
            seconds=time.perf_counter() - start,
            quality=job.half / 2,
            plain_bytes=len(plain),
            plain_psnr_db=psnr_db(pixels, job.pixels),
            note=NO_GAIN if best.data == plain else "",
        ),
    )
