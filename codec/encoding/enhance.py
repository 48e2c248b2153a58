"""THE enhance story: standard file -> fitted filter -> the same file with a payload.

Any viewer shows the file as ever; `codec.decoding.enhanced` shows a better picture.  The payload is
put in only if it lowers distortion + lambda * rate of the real file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bitstream.carriers import Carrier, carrier_named
from bitstream.carriers.enhancement import Enhancement
from codec.contract.modes import Standard
from codec.contract.options import EncodeOptions
from codec.contract.report import EnhanceReport, OnProgress
from codec.encoding import standard_quality
from codec.encoding.adapt import adapt, distortion_scaled
from codec.encoding.contents import standard
from codec.encoding.distortion import EVEN, Distortion
from codec.encoding.frame import Coded, figures
from codec.encoding.start import make_task
from codec.encoding.task import Content, EncodeTask
from codec.errors import ImageError
from codec.opening import open_standard
from codec.picture import standard as standard_file
from codec.picture.formats import BY_NAME
from codec.picture.metadata import as_stored, upright
from codec.picture.notes import Notes
from codec.picture.pixels import Pixels, psnr_db
from codec.picture.reading import Raster
from codec.picture.standard import STANDARD
from codec.picture.writing import save_options

NO_GAIN = "the filter does not improve this picture, so the file carries nothing"


@dataclass(frozen=True, eq=False)
class EnhancedCandidate:
    """A file, what it decodes to, and the length of the update in it."""

    data: bytes
    pixels: Pixels
    update_bytes: int = 0

    def cost(self, task: EncodeTask, content: Content) -> float:
        """Bits, and what the errors are worth in bits."""
        return 8 * len(self.data) + content.weight * task.error(self.pixels)


def enhance(
    original: Pixels,
    data: bytes,
    options: EncodeOptions,
    on_progress: OnProgress | None = None,
) -> Coded:
    """Fits the post-filter to a standard file, and puts what the decoder needs into it.

    Nothing else of the file changes; a payload that it carries already is replaced.

    Args:
        original: what the file was made from, uint8 [h w 3], RGB, upright.
        data: a JPEG, WebP or AVIF file of any writer.
        options: effort, update, tune and device count; the file settles the rest.
        on_progress: called with a stage and the fraction of it that is done.

    Raises:
        FormatError: its structure is broken, or has no room for a payload.
        ImageError: the file is damaged, holds more than 8-bit RGB, or has another size than the
            original.
        OptionError: the device is not there, or the picture is too small to be tuned.
        ModelError: there is no model for that format.
    """
    file = open_standard(data)
    plain = file.plain
    orientation = standard_file.read_metadata(plain).orientation
    pixels = standard_file.read_pixels(plain)
    height, width = upright(pixels, orientation).shape[:2]
    if original.shape[:2] != (height, width):
        raise ImageError(
            f"is {width} x {height}, and its original {original.shape[1]} x {original.shape[0]}"
        )
    mode = Standard(file.carrier.NAME)
    task = make_task(as_stored(original, orientation), options, mode, on_progress)
    task = replace(task, half=standard_quality.find_half(task, plain, pixels))
    coded = _best_file(task, file.carrier, plain)
    if coded.pixels is None:
        return coded
    return replace(coded, pixels=upright(coded.pixels, orientation))


def encode(
    raster: Raster,
    options: EncodeOptions,
    mode: Standard,
    on_progress: OnProgress | None = None,
    distortion: Distortion = EVEN,
) -> Coded:
    """Writes a picture as a standard file, and enhances that.

    Args:
        raster: pixels, and what the file is to hold besides.
        options: effort, update, metadata and device count.
        mode: format and quality.
        on_progress: called with a stage and the fraction of it that is done.
        distortion: what the update is to lower; the file below it knows nothing of it.

    Raises:
        ImageError: the format cannot hold the picture or its metadata.
        Else as `enhance`.
    """
    if raster.alpha is not None:
        raise ImageError(
            f"has transparency, which {mode.format.upper()} files of this codec do not hold; "
            "flatten it onto a background, or write a file of another name"
        )
    task = make_task(raster.pixels, options, mode, on_progress, distortion)
    carrier = carrier_named(mode.format)
    notes = Notes()
    metadata = save_options(raster.metadata.only(options.metadata), BY_NAME[mode.format], notes)
    lost = "; ".join(note.text for note in notes)
    if lost and options.strict:
        raise ImageError(f"{lost} (refused by --strict)")
    try:
        plain = STANDARD[mode.format].write(raster.pixels, mode.quality, **metadata)
    except (ValueError, OSError) as error:
        raise ImageError(f"does not fit into a {mode.format.upper()} file: {error}") from error
    return _best_file(task, carrier, plain).noting(lost)


def _best_file(task: EncodeTask, carrier: Carrier, plain: bytes) -> Coded:
    """The file of least cost: without a payload, with that of the base filter, or of an update."""
    content = standard.content_of(task, plain)
    task = distortion_scaled(task, content)
    adapted = adapt(task, content)
    pixels = standard_file.read_pixels(plain)
    picture = standard_file.picture_of(pixels)
    candidates = [EnhancedCandidate(plain, pixels)]
    for update, filtered in ((b"", adapted.base), (adapted.payload, adapted.pixels)):
        payload = Enhancement.of_picture(picture, task.model.id, task.half, update).pack()
        candidates.append(EnhancedCandidate(carrier.insert(plain, payload), filtered, len(update)))
    best = min(candidates, key=lambda found: found.cost(task, content))
    measured = figures(
        best.data,
        task.pixels,
        best.pixels,
        adapted.base,
        update_bytes=best.update_bytes,
        half=task.half,
    )
    report = EnhanceReport(
        **vars(measured),
        plain_bytes=len(plain),
        plain_psnr_db=psnr_db(pixels, task.pixels),
    )
    if best.data == plain:
        return Coded(plain, None, report).noting(NO_GAIN)
    return Coded(best.data, best.pixels, report)
