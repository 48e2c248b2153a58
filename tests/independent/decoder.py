"""A slow, plain decoder that follows FORMAT.md section by section, and shares no code with ours.

It was written from FORMAT.md alone: that it agrees with the fast decoder shows that the document
says all that one needs to know. It uses integers only, of Python or int64, and numbers its parts
as FORMAT.md does. Sections 6, 7 and 9, the entropy coders, are in `entropy_coders`.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from entropy_coders import (
    Array,
    BinaryDecoder,
    DecodeError,
    LevelDecoder,
    RangeDecoder,
    decode_call,
    require,
)
from numpy.typing import NDArray

Tensors = dict[str, Array]


def decode(data: bytes, model_files: Mapping[bytes, Path]) -> NDArray[np.uint8]:
    """Decodes a file into pixels, uint8 [h w 3].

    Args:
        data: the whole file.
        model_files: the model files that this decoder has, by their ids (section 11.1).

    Raises:
        DecodeError: If the file is not valid, or its model is not among `model_files`.
    """
    file = read_file(data)
    require(file.model in model_files, "4", "unknown model")
    model = read_model(model_files[file.model])
    latents = decode_latents(file, model)
    unfiltered = synthesize(latents, file, model)
    if UPDATE in file.chunks:
        model.tensors.update(updated_postfilter(file.chunks[UPDATE], model.tensors))
    return output(postfilter(unfiltered, file, model), file)


# 2.2 Primitive fields


class Reader:
    """Reads fields from the start of bytes to their end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def raw(self, size: int) -> bytes:
        require(self.position + size <= len(self.data), "3", "a field runs past the end")
        self.position += size
        return self.data[self.position - size : self.position]

    def u8(self) -> int:
        return self.raw(1)[0]

    def varint(self) -> int:
        value = 0
        for index in range(5):
            byte = self.u8()
            value += (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                require(byte != 0 or index == 0, "2.2", "a varint is longer than needed")
                require(value < 2**32, "2.2", "a varint is too large")
                return value
        raise DecodeError("2.2", "a varint has more than five bytes")


# 3 File structure

MAGIC = b"\x8eNN"
VERSION = 1
SMALLEST_FILE = 17


@dataclass(frozen=True)
class File:
    """What a file says before any entropy decoding.

    Attributes:
        half: quality in half units.
        model: id of the model.
        chunks: payloads of the critical chunks by their tags.
    """

    width: int
    height: int
    half: int
    model: bytes
    chunks: dict[int, bytes]

    @property
    def rows(self) -> int:
        return -(-self.height // 16)

    @property
    def columns(self) -> int:
        return -(-self.width // 16)


def read_file(data: bytes) -> File:
    require(len(data) >= SMALLEST_FILE, "3", "the file is too short")
    require(data[:3] == MAGIC, "3.1", "another format")
    require(data[3] == VERSION, "3.1", "another version")
    # 3.2 Checksum
    require(zlib.crc32(data[:-4]) == int.from_bytes(data[-4:], "little"), "3.2", "damaged")
    reader = Reader(data[4:-4])
    # 4 Header
    width, height, half, model = reader.varint(), reader.varint(), reader.u8(), reader.raw(4)
    require(1 <= width <= 65535 and 1 <= height <= 65535, "4", "size out of range")
    require(width * height <= 2**28, "3.3", "too many pixels")
    require(half <= 200, "4", "quality out of range")
    return File(width, height, half, model, read_chunks(reader))


# 5 Chunks

UPDATE, CONTENT = 1, 2


def read_chunks(reader: Reader) -> dict[int, bytes]:
    """Reads all chunks and returns the critical ones."""
    chunks: dict[int, bytes] = {}
    while reader.position < len(reader.data):
        tag, length = reader.u8(), reader.varint()
        require(length <= 2**30, "3.3", "a chunk is too large")
        payload = reader.raw(length)
        if tag >= 0x80:
            continue
        require(tag in (UPDATE, CONTENT), "5", "unknown critical chunk")
        require(all(tag > earlier for earlier in chunks), "5", "chunks out of order")
        chunks[tag] = payload
    require(CONTENT in chunks, "5", "no CONTENT")
    return chunks


# 8 Prior


def rescale(a: Array, n: int) -> Array:
    return (a + 2 ** (n - 1)) >> n


def over_positions(vector: Array) -> Array:
    return vector[:, None, None]


def conv(t: Tensors, name: str, x: Array) -> Array:
    weight, bias, (shift, limit) = t[f"{name}.weight"], t[f"{name}.bias"], t[f"{name}.format"]
    k = weight.shape[2]
    _, rows, columns = x.shape
    margin = k // 2
    c = np.pad(np.clip(x, -limit, limit), ((0, 0), (margin, margin), (margin, margin)))
    total = np.zeros((len(weight), rows, columns), np.int64) + over_positions(bias)
    for u in range(k):
        for v in range(k):
            window = c[:, u : u + rows, v : v + columns]
            total += np.einsum("on,nij->oij", weight[:, :, u, v], window)
    return rescale(total, int(shift))


def act(t: Tensors, name: str, x: Array) -> Array:
    out = conv(t, name, x)
    return np.where(out >= 0, out, rescale(out, 3))


def quality_bias(t: Tensors, name: str, x: Array, file: File) -> Array:
    return x + over_positions(rescale(t[f"{name}.vector"] * (file.half - 100), 12))


def shuffle(x: Array, n: int) -> Array:
    channels, rows, columns = x.shape
    parts = x.reshape(channels // n**2, n, n, rows, columns)  # [c u v i j]
    return parts.transpose(0, 3, 1, 4, 2).reshape(-1, n * rows, n * columns)


def unshuffle(x: Array, n: int) -> Array:
    channels, rows, columns = x.shape
    parts = x.reshape(channels, rows // n, n, columns // n, n)  # [c i u j v]
    return parts.transpose(0, 2, 4, 1, 3).reshape(-1, rows // n, columns // n)


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

FIRST_SLOTS = [[(0, 0)], [(1, 1)], [(0, 1)], [(1, 0)]]
OTHER_SLOTS = [[(0, 0), (1, 1)], [(0, 1), (1, 0)]]


def decode_latents(file: File, model: Model) -> Array:
    """All latents on the even grid, int64 [C rows columns]."""
    even = (file.rows + file.rows % 2, file.columns + file.columns % 2)
    latents = np.zeros((sum(model.groups), *even), np.int64)
    decoder = RangeDecoder(file.chunks[CONTENT])
    for group, channels in enumerate(model.groups):
        decode_group(decoder, latents, group, sum(model.groups[:group]), channels, file, model)
    return latents


def decode_group(
    decoder: RangeDecoder,
    latents: Array,
    group: int,
    first: int,
    channels: int,
    file: File,
    model: Model,
) -> None:
    """Decodes the channels first, first + 1, ... of the latents, in place."""
    t, dot = model.tensors, f"context.groups.{group}."
    step, _, log2_step = t["levels"][file.half]
    mine = slice(first, first + channels)
    deviation = over_positions(t["context.prediction.deviation"][mine])
    log2_deviation = over_positions(t["context.prediction.log2_deviation"][mine])
    hidden = len(t[f"{dot}embed_own.weight"])
    own = np.zeros((hidden, *latents.shape[1:]), np.int64)
    below = np.zeros_like(own)
    if group > 0:
        embedded = act(t, f"{dot}embed_below", features(t, latents[:first], 0, file))
        below = act(t, f"{dot}mix_below", embedded)
    inside = np.zeros(latents.shape[1:], bool)
    inside[: file.rows, : file.columns] = True

    for slot in FIRST_SLOTS if group < 2 else OTHER_SLOTS:
        phases = [np.s_[d::2, e::2] for d, e in slot]
        mixed = act(t, f"{dot}mix_own", own) + below
        means, tables = [], []
        for phase in phases:
            h = quality_bias(t, f"{dot}quality", mixed[:, *phase], file)
            raw = conv(t, f"{dot}leave", act(t, f"{dot}fuse", h))
            mean = rescale(raw[:channels] * deviation, 10)
            table = np.clip(rescale(raw[channels:] + log2_deviation - log2_step, 6), 0, 53)
            means.append(mean[:, inside[phase]])
            tables.append(table[:, inside[phase]])
        counts = [table.size for table in tables]
        values = decode_call(decoder, np.concatenate([x.ravel() for x in tables]), model.below)
        parts = np.split(values, np.cumsum(counts)[:-1])
        for phase, mean, part in zip(phases, means, parts, strict=True):
            latent = latents[mine, *phase]  # a view: what is written to it is written to latents
            latent[:, inside[phase]] = mean + part.reshape(mean.shape) * step
            own[:, *phase] = act(t, f"{dot}embed_own", features(t, latent, first, file))


# 10 Synthesis, post-filter and output


def synthesize(latents: Array, file: File, model: Model) -> Array:
    """10.1: the picture before the post-filter."""
    t, dot = model.tensors, "synthesis."
    c = np.clip(latents, -(2**20), 2**20)
    blocks = rescale(np.einsum("kn,nij->kij", t[f"{dot}linear.basis"], c), 16)
    h = conv(t, f"{dot}enter", normalized(t, latents, 0))
    h = residual(t, f"{dot}stage_16", quality_bias(t, f"{dot}quality", h, file))
    for stage in (8, 4, 2):
        h = shuffle(conv(t, f"{dot}up_{stage}", h), 2)
        h = residual(t, f"{dot}stage_{stage}", h)
    return shuffle(blocks, 16) + shuffle(conv(t, f"{dot}leave", h), 2)


def residual(t: Tensors, name: str, x: Array) -> Array:
    return x + conv(t, f"{name}.reduce", act(t, f"{name}.expand", x))


def updated_postfilter(payload: bytes, t: Tensors) -> Tensors:
    """10.2: the weights and biases of the post-filter after an update."""
    layers = [f"postfilter.{layer}" for layer in ("enter", "middle", "leave")]
    names = [f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")]
    require(sum(t[name].size for name in names) <= 2**22, "3.3", "too many levels")
    decoder = BinaryDecoder(payload)
    shifts = [sum(decoder.bypass() << place for place in (3, 2, 1, 0)) for _ in range(2)]
    levels = LevelDecoder(decoder)
    updated: Tensors = {}
    for name in names:
        tensor = t[name]
        if name.endswith("weight"):
            change = levels.tensor(len(tensor), tensor[0].size) * 2 ** shifts[0]
        else:
            change = levels.tensor(1, tensor.size) * 2 ** (shifts[1] + 8)
        updated[name] = tensor + change.reshape(tensor.shape)
    for layer in layers:
        weight, bias = np.abs(updated[f"{layer}.weight"]), np.abs(updated[f"{layer}.bias"])
        shift, limit = t[f"{layer}.format"]
        require(weight.max() < 2**15 and bias.max() < 2**31, "10.2", "a weight is too large")
        largest = weight.sum((1, 2, 3)) * limit + bias.max() + 2**shift
        require((largest < 2 ** (24 + shift)).all(), "10.2", "a layer leaves the exact range")
    return updated


def postfilter(unfiltered: Array, file: File, model: Model) -> Array:
    """10.3."""
    t = model.tensors
    x = unshuffle(unfiltered, 2)
    h = quality_bias(t, "postfilter.quality", act(t, "postfilter.enter", x), file)
    h = act(t, "postfilter.middle", h)
    return shuffle(x + conv(t, "postfilter.leave", h), 2)


def output(filtered: Array, file: File) -> NDArray[np.uint8]:
    """10.4: pixels, uint8 [h w 3]."""
    pixels = np.clip(rescale(filtered, 4) + 128, 0, 255).astype(np.uint8)
    return pixels[:, : file.height, : file.width].transpose(1, 2, 0)


# 11 Models

DTYPES = {"I16": "<i2", "I32": "<i4", "I64": "<i8"}


@dataclass(frozen=True)
class Model:
    """What a model file says.

    Attributes:
        groups: number of channels of each group.
        below: for each probability table, the sums of the frequencies before each symbol, and of
            all.
    """

    groups: list[int]
    tensors: Tensors
    below: list[Array]


def read_model(path: Path) -> Model:
    """11.1: reads the tensors of the decoder from a safetensors file."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    entries = json.loads(data[8:start])
    metadata = entries.pop("__metadata__")
    t: Tensors = {}
    for name, entry in entries.items():
        if entry["dtype"] in DTYPES:
            first, end = entry["data_offsets"]
            flat = np.frombuffer(data[start + first : start + end], DTYPES[entry["dtype"]])
            t[name] = flat.astype(np.int64).reshape(entry["shape"])
    tables = np.split(t["tables.frequencies"], np.cumsum(t["tables.sizes"])[:-1])
    below = [np.concatenate([[0], np.cumsum(table)]) for table in tables]
    return Model(json.loads(metadata["architecture"])["groups"], t, below)
