"""A slow, plain decoder that follows FORMAT.md section by section, and shares no code with ours.

It was written from FORMAT.md alone: that it agrees with the fast decoder shows that the document
says all that one needs to know. It uses integers only, of Python or int64, and numbers its parts
as FORMAT.md does. `containers` reads files and models, `entropy_coders` has sections 6, 7 and 9.4
to 9.6, `layers` what networks consist of, and `filters` the update and the post-filter.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import fine, lossless
from .containers import (
    ALPHA,
    CONTENT,
    FINE,
    PIXELS,
    PRIOR,
    UPDATE,
    File,
    Model,
    Tensors,
    read_file,
    read_model,
)
from .entropy_coders import Array, DecodeError, RangeDecoder, decode_call, require
from .filters import change_of, postfilter, subspace_body, update
from .layers import act, conv, over_positions, quality_bias, rescale, residual, shuffle

Pixels = NDArray[np.uint8] | NDArray[np.uint16]


def decode(
    data: bytes,
    model_files: Mapping[bytes, Path],
    standards: Mapping[str, Callable[[bytes], Pixels]] | None = None,
    updates: Sequence[bytes] = (),
) -> Pixels:
    """Decodes a file into pixels, uint8 or uint16 [h w 3], or [h w 4] with transparency.

    Args:
        data: the whole file.
        model_files: the model files that this decoder has, by their ids (section 11.1).
        standards: decoders of the contents that other standards specify.
        updates: update files (section 9.7).

    Raises:
        DecodeError: If the file is not valid, or its model is not among `model_files`.
    """
    file = read_file(data)
    if file.model in lossless.OTHER_CODECS:
        pixels = lossless.of_other_codec(file, standards or {})
        return with_opacity(file, pixels)
    require(file.model in model_files, "4", "unknown model")
    model = read_model(model_files[file.model])
    require((file.half == 201) == (model.content == "lossless"), "4", "another kind of model")
    if model.content == "lossless":
        pixels = lossless.decode(file, model)
    else:
        pixels = decode_lossy(file, model, standards or {}, updates)
    return with_opacity(file, pixels)


def with_opacity(file: File, pixels: Pixels) -> Pixels:
    """Adds the opacity, and compares the checksum."""
    if ALPHA in file.chunks:
        pixels = np.dstack([pixels, opacity(file)])
    if FINE in file.chunks:
        pixels = fine.deepened(file, pixels)
    if PIXELS in file.chunks:
        # 5.5 Checksum of the pixels
        checksum = file.chunks[PIXELS]
        require(len(checksum) == 4, "5.5", "a checksum of another length")
        found = zlib.crc32(pixels.astype(pixels.dtype.newbyteorder("<")).tobytes())
        require(found == int.from_bytes(checksum, "little"), "5.5", "other pixels")
    return pixels


def decode_lossy(
    file: File,
    model: Model,
    standards: Mapping[str, Callable[[bytes], Pixels]],
    updates: Sequence[bytes],
) -> Pixels:
    """The colours of any other file, uint8 [h w 3]."""
    if model.content == "learned":
        unfiltered = synthesize(decode_latents(file, model), file, model)
    else:
        unfiltered = padded(standards[model.content](file.chunks[CONTENT]), file, model)
    if UPDATE in file.chunks:
        model.tensors.update(update(file.chunks[UPDATE], model, file, updates))
    return output(postfilter(unfiltered, file, model), file)


# 5.3 Transparency


def opacity(file: File) -> Pixels:
    """Opacity of all pixels, uint8 [h w]."""
    payload = file.chunks[ALPHA]
    require(len(payload) > 0 and payload[0] < 4, "5.3", "unknown filter")
    coder = {"id": lzma.FILTER_LZMA1, "lc": 2, "lp": 0, "pb": 0, "dict_size": 2**23}
    stream = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[coder])
    size = file.width * file.height
    try:
        data = stream.decompress(payload[1:], size + 1)
    except lzma.LZMAError as error:
        raise DecodeError("5.3", "not an LZMA stream") from error
    require(len(data) == size and stream.eof, "5.3", "another length")
    require(not stream.unused_data, "5.3", "bytes after the stream")
    plane = np.zeros((file.height + 1, file.width + 1), np.int64)  # with what is outside
    for index, rest in enumerate(data):
        i, j = index // file.width + 1, index % file.width + 1
        left, above, corner = plane[i, j - 1], plane[i - 1, j], plane[i - 1, j - 1]
        plane[i, j] = (rest + (0, left, above, left + above - corner)[payload[0]]) % 256
    return plane[1:, 1:].astype(np.uint8)


# 8.2 Features


def normalized(t: Tensors, latents: Array, first: int) -> Array:
    """The latents of channels that start at `first`, in units of their deviation."""
    reciprocal = t["context.features.reciprocal"][first : first + len(latents)]
    return np.clip(rescale(latents * over_positions(reciprocal), 14), -4096, 4096)


def features(t: Tensors, latents: Array, first: int, file: File) -> Array:
    _, reciprocal, _ = t["levels"][file.half]
    index = np.minimum(rescale(np.abs(latents) * reciprocal, 24), 4095)
    magnitude = t["context.features.log2_table"][index]
    return np.concatenate([normalized(t, latents, first), magnitude])


# 8.3 Scan

SLOTS = [[(0, 0), (1, 1)], [(0, 1), (1, 0)]]


def decode_latents(file: File, model: Model) -> Array:
    """All latents on the even grid, int64 [C rows columns]."""
    slices = model.networks["slices"]
    even = (file.rows + file.rows % 2, file.columns + file.columns % 2)
    latents = np.zeros((sum(map(sum, slices)), *even), np.int64)
    decoder = RangeDecoder(file.chunks[CONTENT])
    for group in range(len(slices)):
        decode_group(decoder, latents, group, file, model)
    return latents


def decode_group(
    decoder: RangeDecoder, latents: Array, group: int, file: File, model: Model
) -> None:
    """Decodes the channels of a group, in place."""
    t, dot, slices = model.tensors, f"context.groups.{group}.", model.networks["slices"]
    first = sum(map(sum, slices[:group]))
    mine = slice(first, first + sum(slices[group]))
    hidden = len(t[f"{dot}embed_own.weight"])
    own = np.zeros((hidden, *latents.shape[1:]), np.int64)
    below = np.zeros_like(own)
    if group > 0:
        embedded = act(t, f"{dot}embed_below", features(t, latents[:first], 0, file))
        below = act(t, f"{dot}mix_below", embedded)
    for slot in SLOTS:
        mixed = quality_bias(t, f"{dot}quality", act(t, f"{dot}mix_own", own) + below, file)
        start = first
        for number, channels in enumerate(slices[group]):
            predictions = []
            for d, e in slot:
                h = mixed[:, d::2, e::2]
                if number > 0:
                    told = features(t, latents[first:start, d::2, e::2], first, file)
                    embedded = act(t, f"{dot}slices.{number}.embed", told)
                    h = h + conv(t, f"{dot}slices.{number}.join", embedded)
                raw = conv(t, f"{dot}slices.{number}.leave", act(t, f"{dot}fuse", h))
                predictions.append(predict(raw, start, channels, file, model))
            decode_slot(decoder, latents[start : start + channels], slot, predictions, file, model)
            start += channels
        for d, e in slot:
            seen = features(t, latents[mine, d::2, e::2], first, file)
            own[:, d::2, e::2] = act(t, f"{dot}embed_own", seen)


def predict(
    raw: Array, start: int, channels: int, file: File, model: Model
) -> tuple[Array, Array, Array]:
    """Mean, step and table of each latent of a slice in a phase."""
    t, n, mine = model.tensors, channels, slice(start, start + channels)
    step, _, log2_step = t["levels"][file.half]
    deviation, log2_deviation, gain, offset = (
        over_positions(numbers[mine])
        for numbers in (
            t["context.prediction.deviation"],
            t["context.prediction.log2_deviation"],
            *scale_changes(file, model),
        )
    )
    mean = rescale(raw[:n] * deviation, 10)
    said = rescale(raw[n : 2 * n] * gain + offset, 11)
    k = np.clip(rescale(raw[2 * n : 3 * n], 5), -8, 8)
    shape = np.clip(rescale(raw[3 * n :], 8), 0, 3)
    scale = np.clip(rescale(said + log2_deviation - log2_step - 32 * k, 6), 0, 53)
    return mean, rescale(step * t["context.prediction.steps"][k + 8], 14), 54 * shape + scale


def decode_slot(
    decoder: RangeDecoder,
    latents: Array,
    slot: list[tuple[int, int]],
    predictions: list[tuple[Array, Array, Array]],
    file: File,
    model: Model,
) -> None:
    """Decodes the values of a slot into the latents of its channels."""
    inside = np.zeros(latents.shape[1:], bool)
    inside[: file.rows, : file.columns] = True
    known = [
        tuple(numbers[:, inside[d::2, e::2]] for numbers in prediction)
        for prediction, (d, e) in zip(predictions, slot, strict=True)
    ]
    tables = [table for _, _, table in known]
    values = decode_call(decoder, np.concatenate([x.ravel() for x in tables]), model.below)
    parts = np.split(values, np.cumsum([table.size for table in tables])[:-1])
    for (d, e), (mean, step, _), part in zip(slot, known, parts, strict=True):
        # A view: what is written to it is written to the latents.
        latents[:, d::2, e::2][:, inside[d::2, e::2]] = mean + part.reshape(mean.shape) * step


# 8.4 Update of the prior


def scale_changes(file: File, model: Model) -> tuple[Array, Array]:
    """Gain and offset of every channel."""
    channels = sum(map(sum, model.networks["slices"]))
    gain, offset = np.full(channels, 2**11), np.zeros(channels, np.int64)
    if PRIOR in file.chunks:
        t = model.tensors
        require("prior.inner" in t, "8.4", "a model without updates of its prior")
        step, levels = subspace_body(file.chunks[PRIOR], t["prior.scales"], model.below)
        weights, biases = change_of(t["prior.inner"] @ levels @ t["prior.outer"], step)
        gain, offset = gain + weights[:channels, 0], biases[channels:, 0]
        largest = 2**24 * int(np.abs(gain).max()) + int(np.abs(offset).max())
        require(largest < 2**53, "8.4", "outside of the exact range")
    return gain, offset


# 10 Synthesis, post-filter and output


def synthesize(latents: Array, file: File, model: Model) -> Array:
    """10.1: the picture before the post-filter."""
    t, dot = model.tensors, "synthesis."
    c = np.clip(latents, -(2**20), 2**20)
    blocks = rescale(np.einsum("kn,nij->kij", t[f"{dot}linear.basis"], c), 16)
    h = conv(t, f"{dot}enter", normalized(t, latents, 0))
    h = deeper(t, 16, quality_bias(t, f"{dot}quality", h, file))
    for stage in (8, 4, 2):
        h = deeper(t, stage, shuffle(conv(t, f"{dot}up_{stage}", h), 2))
    return shuffle(blocks, 16) + shuffle(conv(t, f"{dot}leave", h), 2)


def deeper(t: Tensors, stage: int, h: Array) -> Array:
    """10.1: the blocks at one resolution."""
    h, block = residual(t, f"synthesis.stage_{stage}", h), 0
    while f"synthesis.deeper_{stage}.{block}.enter.weight" in t:
        dot = f"synthesis.deeper_{stage}.{block}."
        inner = act(t, f"{dot}middle", act(t, f"{dot}enter", h))
        h, block = h + conv(t, f"{dot}leave", inner), block + 1
    return h


def padded(pixels: Pixels, file: File, model: Model) -> Array:
    """10.1: the picture before the post-filter, of another standard's picture."""
    require(pixels.shape[:2] == (file.height, file.width), "10.1", "a content of another size")
    multiple = 2 ** len(model.networks["widths"])
    margins = [(0, -size % multiple) for size in (file.height, file.width)]
    picture = np.pad(pixels.astype(np.int64), [*margins, (0, 0)], mode="edge")
    return 16 * (picture.transpose(2, 0, 1) - 128)


def output(filtered: Array, file: File) -> Pixels:
    """10.4: pixels, uint8 [h w 3]."""
    pixels = np.clip(rescale(filtered, 4) + 128, 0, 255).astype(np.uint8)
    return pixels[:, : file.height, : file.width].transpose(1, 2, 0)
