"""The search for the finest step whose file has at most so many bytes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from codec.errors import WeightsError
from codec.packing.checkpoint import Checkpoint
from codec.packing.options import PackOptions
from codec.packing.packer import assemble
from codec.packing.sources import Base, tensor_sources

STEPS_PER_OCTAVE = 128
"""Resolution: neighbouring steps differ by 0.01 bits per value."""
COARSEST, FINEST = 10 * STEPS_PER_OCTAVE, -20 * STEPS_PER_OCTAVE


def pack_to_size(
    checkpoint: Checkpoint,
    options: PackOptions,
    target_bytes: int,
    base: Base | None = None,
    on_progress: Callable[[str, float], None] = lambda _stage, _fraction: None,
) -> bytes:
    """The packed file with the finest step that fits in `target_bytes`; `options.step` is ignored.

    Raises:
        WeightsError: no step does, or as for `pack`.
        FormatError: the checkpoint is too large for the format.
    """
    sources = tensor_sources(checkpoint, options, base)

    def packed(index: int) -> bytes:
        step = 2.0 ** (index / STEPS_PER_OCTAVE)
        return assemble(sources, checkpoint.notes, replace(options, step=step), base)

    # Invariant: the file of `coarse` fits, that of `fine` does not (or is finer than any).
    coarse, fine = COARSEST, FINEST - 1
    best = packed(coarse)
    if len(best) > target_bytes:
        raise WeightsError(
            f"cannot be packed in {target_bytes:,} bytes; the coarsest step takes {len(best):,}"
        )
    sizes = {coarse: len(best)}
    while coarse - fine > 1:
        on_progress("search", 1 - math.log2(coarse - fine) / math.log2(COARSEST - FINEST))
        middle = _next_index(coarse, fine, sizes, target_bytes)
        data = packed(middle)
        sizes[middle] = len(data)
        if len(data) <= target_bytes:
            coarse, best = middle, data
        else:
            fine = middle
    return best


def _next_index(coarse: int, fine: int, sizes: Mapping[int, int], target: int) -> int:
    """Where to try next: where a line between both ends meets the target, away from the ends."""
    middle = (coarse + fine) // 2
    if fine in sizes and coarse - fine < 2 * STEPS_PER_OCTAVE:
        share = (target - sizes[coarse]) / (sizes[fine] - sizes[coarse])
        middle = round(coarse + share * (fine - coarse))
        margin = max((coarse - fine) // 8, 1)
        middle = min(max(middle, fine + margin), coarse - margin)
    return middle
