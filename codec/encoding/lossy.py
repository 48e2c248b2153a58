"""THE lossy story: picture -> CONTENT; decoded picture -> fitted filter -> UPDATE; and again.

Every search is followed by the real coder and the real decoder, and its result is kept only if it
lowers distortion + lambda * rate of what comes out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bitstream import Container, Header, Tag
from bitstream.file import alpha, pixel_checksum
from codec.contract.contents import STANDARD_CONTENTS
from codec.contract.effort import effort_at
from codec.contract.modes import Lossy
from codec.contract.options import EncodeOptions
from codec.contract.report import OnProgress, TracePoint
from codec.contract.targets import Limit
from codec.encoding.adapt import adapt, distortion_scaled
from codec.encoding.contents.registry import encoder_of
from codec.encoding.deadline import Deadline
from codec.encoding.distortion import EVEN, Distortion
from codec.encoding.frame import Coded, figures
from codec.encoding.rate_control import reach
from codec.encoding.start import make_task
from codec.encoding.task import Adapted, EncodeTask
from codec.picture import transparency
from codec.picture.metrics import Assessment
from codec.picture.pixels import samples_of
from codec.picture.reading import Raster


@dataclass(frozen=True, eq=False, kw_only=True)
class Trial(Coded):
    """One of the files among which a limit is sought."""

    assessment: Assessment

    def figure(self, metric: str) -> float | None:
        """By the name of a metric; None: too small a picture."""
        return self.assessment.figure(metric)


def encode(
    raster: Raster,
    options: EncodeOptions,
    mode: Lossy,
    on_progress: OnProgress | None = None,
    distortion: Distortion = EVEN,
) -> Coded:
    """Encodes a picture at its quality, or at the one that a target asks for.

    Raises:
        OptionError: no quality reaches the target.
        ModelError: there is no model for that content.
    """
    task = prepare(raster, options, mode, on_progress, distortion)
    return _reach(task, mode.target) if isinstance(mode.target, Limit) else _code(task)


def prepare(
    raster: Raster,
    options: EncodeOptions,
    mode: Lossy,
    on_progress: OnProgress | None,
    distortion: Distortion = EVEN,
) -> EncodeTask:
    """Makes the task of a picture, with what its file is to hold besides."""
    task = make_task(raster.continued().pixels, options, mode, on_progress, distortion)
    return replace(task, alpha=raster.alpha, extras=extras_of(raster, options))


def extras_of(raster: Raster, options: EncodeOptions) -> dict[Tag, bytes]:
    """Collects what the file of a picture is to hold besides: metadata, transparency."""
    extras = raster.metadata.only(options.metadata).chunks()
    if raster.alpha is not None:
        extras[Tag.ALPHA] = alpha.pack(raster.alpha)
    return extras


def coded_as(task: EncodeTask, adapted: Adapted) -> Coded:
    """Writes the file of what searches found."""
    chunks = {**task.extras, Tag.CONTENT: adapted.content.payload}
    optional = {Tag.UPDATE: adapted.payload, Tag.PRIOR: adapted.content.prior}
    chunks |= {tag: payload for tag, payload in optional.items() if payload}
    decoded = transparency.join_opacity(adapted.pixels, task.alpha)
    if task.model.content not in STANDARD_CONTENTS:
        # Decoders of standard files differ by rounding: there, other pixels are no error.
        chunks[Tag.PIXELS] = pixel_checksum.pack(samples_of(decoded))
    height, width, _ = task.pixels.shape
    data = Container(Header(width, height, task.half, task.model.id), chunks).pack()
    update_bytes = sum(map(len, optional.values()))
    report = figures(
        data, task.pixels, adapted.pixels, adapted.base, update_bytes=update_bytes, half=task.half
    )
    trace = tuple(TracePoint(stage, float(cost)) for stage, cost in task.trace)
    return Coded(data, decoded, report, trace)


def cheapest(task: EncodeTask) -> Adapted:
    """Finds the cheapest content and filter."""
    *_, best = rounds(task)
    return best


def rounds(task: EncodeTask) -> Iterator[Adapted]:
    """Content, filter for it, content for that filter, and so on: yields the cheapest after each.

    The filter comes first because it is found in one step; latents refined for it then save more
    than latents refined for the base filter.
    """
    content = encoder_of(task).encode()
    task = distortion_scaled(task, content)
    encoder = encoder_of(task)
    best = adapt(task, content)
    yield best
    for number in range(task.effort.rounds):
        again = encoder.refined(best, number)
        if again is None:
            return
        best = min(best, adapt(task, again), key=lambda adapted: adapted.cost)
        yield best


def _code(task: EncodeTask) -> Coded:
    """Encodes a task at its quality."""
    return coded_as(task, cheapest(task))


def _reach(task: EncodeTask, limit: Limit) -> Coded:
    """Encodes a task at the quality that keeps a limit most closely."""
    quickest = effort_at(0)

    def attempt(half: int, quick: bool, deadline: Deadline) -> Trial:
        task.progress(f"quality {half / 2:g}", 0.0)
        trial = replace(task, half=half, deadline=deadline, trace=[])
        adapted = cheapest(replace(trial, effort=quickest, technique=None) if quick else trial)
        coded = coded_as(trial, adapted)
        return Trial(**vars(coded), assessment=Assessment(adapted.pixels, task.pixels))

    halves = encoder_of(task).qualities
    quick_only = task.effort == quickest
    coded, remark = reach(limit, halves, attempt, task.deadline, quick_only=quick_only)
    return coded.noting(remark)
