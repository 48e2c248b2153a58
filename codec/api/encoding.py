"""Pictures to files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from codec import files
from codec.contract.options import EncodeOptions
from codec.contract.report import EncodeResult, SharedResult
from codec.errors import EngineError, ImageError
from codec.files import File
from codec.pictures import Picture, greys, load_raster

if TYPE_CHECKING:
    from codec.contract.report import OnProgress

NEEDS_TORCH = "encoding needs torch: pip install 'nncodec-image[encode]'"


def encode(
    picture: Picture,
    options: EncodeOptions | None = None,
    on_progress: OnProgress | None = None,
    *,
    roi: Picture | None = None,
) -> EncodeResult:
    """Encodes a picture.

    >>> import codec
    >>> result = codec.encode("photo.png", codec.EncodeOptions(codec.Lossy(60), effort=0))
    >>> 8 * len(result.data) == round(result.report.bpp * 96 * 64)
    True

    A long search reports how far it is:

    >>> stages = set()
    >>> options = codec.EncodeOptions(effort=3)
    >>> result = codec.encode("photo.png", options, lambda stage, fraction: stages.add(stage))
    >>> sorted(stages)
    ['refining', 'update']

    A JPEG file that every program shows, and `decode` better:

    >>> options = codec.EncodeOptions(codec.Standard("jpeg"), effort=1)
    >>> codec.probe(codec.encode("photo.png", options).data).format
    'jpeg'

    Args:
        picture: a file's name or bytes, an open file, a Pillow image (for all these, EXIF
            orientation is applied, and the file gets the colour profile and other metadata), or an
            array uint8 [h w 3], RGB, or [h w 4], RGBA.  Opacity is kept exactly; colours under full
            transparency are replaced by what costs little, unless the mode is `Lossless`, and
            figures count them so.  Samples of 16 bits (uint16) are kept by `Lossless`, but for
            those of opacity, and rounded to 8 by all others; this and whatever else is lost
            `result.report.note` says, or `options.strict` refuses.
        options: quality, effort and so on.
        on_progress: called with a stage and the fraction of it that is done, 0 to 1.
        roi: a picture of the same size, the region of interest: the lighter, the more errors weigh
            there, white 16 times as much as black.  The figures of the report stay unweighted.

    Raises:
        ImageError: it is no picture, or one that the format cannot hold without loss.
        ModelError: there is no model for that content.
        EngineError: torch is not installed.
        OptionError: the device is not there.
        OSError: the file cannot be read.
        VerifyError: the file does not decode to what the encoder saw (never expected).
    """
    with _needing_torch():
        from codec.encoding import encoder
    mask = None if roi is None else greys(roi)
    return encoder.encode(load_raster(picture, options), options, on_progress, mask)


def encode_shared(
    pictures: Sequence[Picture],
    options: EncodeOptions | None = None,
    on_progress: OnProgress | None = None,
) -> SharedResult:
    """Encodes a set of pictures that share one weight update, whose bytes count once.

    >>> import codec
    >>> pair = [codec.decode("photo.nni"), "photo.png"]
    >>> result = codec.encode_shared(pair, codec.EncodeOptions(effort=1))
    >>> options = codec.DecodeOptions(updates=(result.update,))
    >>> [codec.decode(picture.data, options).shape for picture in result.pictures]
    [(64, 96, 3), (64, 96, 3)]

    Pictures that do better with an update of their own, or with none, get that; the update file is
    empty if it does not save more than its own bytes.  All pictures are held in memory.

    Args:
        pictures: at least two, each in any form that `encode` takes.
        options: quality, effort, verify, device and content count.
        on_progress: called with the number and stage of a picture, and the fraction of the stage
            that is done, 0 to 1.

    Raises:
        OptionError: there are fewer pictures, or an option is about one alone.
        CodecError: as `encode` raises it.
    """
    rasters = [load_raster(picture, options) for picture in pictures]
    with _needing_torch():
        from codec.encoding import encoder
    return encoder.encode_shared(rasters, options or EncodeOptions(), on_progress)


def enhance(
    original: Picture,
    file: File,
    options: EncodeOptions | None = None,
    on_progress: OnProgress | None = None,
) -> EncodeResult:
    """Fits the post-filter to a standard file, and puts what the decoder needs into it.

    >>> import codec
    >>> result = codec.enhance("photo.png", "photo.jpg", codec.EncodeOptions(effort=1))
    >>> result.report.psnr_db >= result.report.plain_psnr_db
    True

    Nothing else of the file changes; a payload that it carries already is replaced.  Where nothing
    is gained, the file stays as it is, and `result.report.note` says so.

    Args:
        original: the picture that the file was made from, in any form that `encode` takes.
        file: name or bytes of a JPEG, WebP or AVIF file of any writer.
        options: effort, update, tune, verify and device count; the file settles the rest.
        on_progress: called with a stage and the fraction of it that is done, 0 to 1.

    Returns:
        The file and a `codec.contract.report.EnhanceReport`.

    Raises:
        FormatError: the structure of the file is broken, or has no room for a payload.
        ImageError: a picture is damaged, holds more than 8-bit RGB, or their sizes differ.
        ModelError: there is no model for that format.
        EngineError: torch is not installed.
        OptionError: the device is not there.
        OSError: a file cannot be read.
        VerifyError: the file does not decode to what the encoder saw (never expected).
    """
    # The file has metadata of its own: what is lost of the original's does not matter.
    raster = load_raster(original, replace(options or EncodeOptions(), metadata=()))
    if raster.alpha is not None:
        raise ImageError("has transparency; flatten it onto a background first")
    with _needing_torch():
        from codec.encoding import encoder
    return encoder.enhance(raster.pixels, files.bytes_of(file), options, on_progress).noting(
        raster.note
    )


@contextmanager
def _needing_torch() -> Iterator[None]:
    """Says how to install torch if an import in it lacks that."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise EngineError(NEEDS_TORCH) from error
