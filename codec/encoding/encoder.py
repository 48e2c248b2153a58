"""Encodes pictures and sets of them: the story of the mode that is asked for, in the one frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from codec.contract.modes import Lossless, Lossy
from codec.contract.options import EncodeOptions
from codec.contract.report import EncodeResult, OnProgress, SharedResult
from codec.encoding import enhance as standard
from codec.encoding import lossy, shared_update
from codec.encoding.distortion import EVEN, Distortion, Mask
from codec.encoding.frame import Coded, Told, tell
from codec.encoding.lossless import encoder as lossless
from codec.errors import ImageError, OptionError
from codec.networks.isolation import isolated
from codec.picture.pixels import Pixels, check_pixels
from codec.picture.reading import Raster


@isolated()
def encode(
    raster: Raster,
    options: EncodeOptions | None = None,
    on_progress: OnProgress | None = None,
    mask: Mask | None = None,
) -> EncodeResult:
    """Encodes a picture.

    Args:
        raster: pixels, and what the file is to hold besides.
        options: quality, effort and so on.
        on_progress: called with a stage and the fraction of it that is done.
        mask: uint8 [h w], the lighter, the more the errors there weigh.

    Raises:
        ImageError: its pixels are not uint8 [h w 3], larger than the format allows, or what the
            format of a standard file cannot hold; or the mask is of another size.
        OptionError: the device is not there, no quality reaches the target, or there is a mask for
            a file without loss.
        ModelError: there is no model for that content.
        VerifyError: the file does not decode to what the encoder saw (never expected).
    """
    options = options or EncodeOptions()
    check_pixels(raster.pixels)
    distortion = _distortion(raster.pixels, mask)
    story: Callable[[], Coded]
    match options.mode:
        case Lossy() as mode:
            story = partial(lossy.encode, raster, options, mode, on_progress, distortion)
        case Lossless() as mode:
            if mask is not None:
                raise OptionError("lossless and a region of interest exclude each other")
            story = partial(lossless.encode, raster, options, mode, on_progress)
        case mode:
            story = partial(standard.encode, raster, options, mode, on_progress, distortion)
    return _one(story, options).noting(raster.note)


@isolated()
def enhance(
    original: Pixels,
    data: bytes,
    options: EncodeOptions | None = None,
    on_progress: OnProgress | None = None,
) -> EncodeResult:
    """Fits the post-filter to a standard file; see `codec.encoding.enhance.enhance`."""
    options = options or EncodeOptions()
    check_pixels(original)
    return _one(partial(standard.enhance, original, data, options, on_progress), options)


@isolated()
def encode_shared(
    rasters: Sequence[Raster], options: EncodeOptions, on_progress: OnProgress | None = None
) -> SharedResult:
    """Encodes pictures so that those that gain by it share one update.

    Args:
        rasters: at least two pictures, and what their files are to hold besides.
        options: for all of them.
        on_progress: called with the number and stage of a picture, and the fraction of the stage
            that is done.

    Raises:
        OptionError: there is but one picture, or an option is about one alone.
        Else as `encode`.
    """
    for raster in rasters:
        check_pixels(raster.pixels)
    story = partial(shared_update.encode, rasters, options, on_progress)
    told, results = tell(story, verify=options.verify)
    pairs = zip(results, rasters, strict=True)
    pictures = tuple(result.noting(raster.note) for result, raster in pairs)
    return SharedResult(pictures, told.update, told.sharing)


def _distortion(pixels: Pixels, mask: Mask | None) -> Distortion:
    """What a mask asks for; the plain squared error without one."""
    if mask is None:
        return EVEN
    if mask.shape != pixels.shape[:2]:
        (height, width), (rows, columns) = mask.shape, pixels.shape[:2]
        raise ImageError(f"the mask is {width} x {height}, and its picture {columns} x {rows}")
    return Distortion.by_mask(mask)


def _one(story: Callable[[], Coded], options: EncodeOptions) -> EncodeResult:
    """Tells the story of one picture."""
    _, (result,) = tell(lambda: Told((story(),)), verify=options.verify)
    return result
