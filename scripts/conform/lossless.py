"""Conformance vectors of lossless files, and the model that they are coded with."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitstream import SymbolWriter, Tag
from bitstream.file import alpha
from bitstream.file.header import LOSSLESS_QUALITY
from bitstream.limits import MAX_SUBSPACE_LEVEL
from bitstream.update.methods import Method
from bitstream.update.subspace import STEPS, SubspacePayload
from codec.decoding.engines.choice import chosen
from codec.decoding.engines.reference import TorchPasses
from codec.decoding.lossless import coder, update
from codec.models.kinds import LosslessModel
from codec.networks.config import LosslessConfig
from codec.networks.lossless.network import LosslessNetworks
from codec.picture import exact
from scripts.conform.maker import Case, chunk, sealed, varint
from scripts.release.corrections import blank
from scripts.release.export_lossless import release
from scripts.train.lossless_rate import solve_linear

CONFIG = LosslessConfig(hidden=4, blocks=1)
LARGEST_RADIUS = 3
"""Of the tables: larger errors are escapes, and the model is small."""
SIDE_PX = 96
HEIGHT, WIDTH = 13, 18


def drawn(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """A smooth picture with edges and a little noise: uint8 [h w 3]."""
    y, x = np.mgrid[:height, :width]
    smooth = np.stack([3 * x + y, x + 2 * y + 9, 2 * x + 30], -1) % 180
    edges = 60 * ((x // 7 + y // 5) % 2)[..., None]
    noise = np.random.default_rng(seed).integers(0, 4, (height, width, 3))
    return (smooth + edges + noise).astype(np.uint8)


def lossless_model_file() -> bytes:
    """Linear predictors of drawn pictures, and random networks."""
    torch.manual_seed(0)
    networks = LosslessNetworks(CONFIG).requires_grad_(False)
    planes = [torch.from_numpy(drawn(SIDE_PX, SIDE_PX, seed)).permute(2, 0, 1) for seed in range(3)]
    solve_linear(networks, planes, np.random.default_rng(0))
    for name, parameter in networks.named_parameters():
        if name.endswith(("leave.weight", "grid")):
            parameter.normal_(0, 0.02)
    with mock.patch("codec.networks.lossless.export.LARGEST_RADIUS", LARGEST_RADIUS):
        return release(networks, planes, drawn_correctors())


def drawn_correctors() -> dict[str, NDArray[np.integer]]:
    """Tensors of random networks that correct predictions by a little."""
    rng, arrays = np.random.default_rng(3), blank()
    for name, array in arrays.items():
        largest = {"weight": 2**7, "bias": 2**18}.get(name.rpartition(".")[2])
        if largest:
            arrays[name] = rng.integers(-largest, largest + 1, array.shape).astype(array.dtype)
    return arrays


class LosslessMaker:
    """Makes files for one model."""

    def __init__(self, model: LosslessModel) -> None:
        self.model = model

    def file(
        self,
        content: bytes,
        payload: bytes | None = None,
        *,
        size: tuple[int, int] = (HEIGHT, WIDTH),
        quality: int = LOSSLESS_QUALITY,
        before: bytes = b"",
        after: bytes = b"",
    ) -> bytes:
        """A whole file, with an UPDATE chunk if there is a payload."""
        header = varint(size[1]) + varint(size[0]) + bytes([quality]) + self.model.id
        chunks = b"" if payload is None else chunk(Tag.UPDATE, payload)
        return sealed(header + chunks + before + chunk(Tag.CONTENT, content) + after)

    def picture(self, pixels: NDArray[np.uint8], payload: bytes | None = None) -> bytes:
        """The file of a picture."""
        heads = update.apply(payload, self.model) if payload else update.heads_of(self.model)
        refine = chosen().refine(self.model, heads)
        content = coder.encode_pixels(pixels, refine, self.model.tables)
        return self.file(content, payload, size=pixels.shape[:2])

    def of_values(self, values: Tensor) -> bytes:
        """CONTENT payload of int16 [1 3 h w], which no picture needs to have."""
        writer = SymbolWriter(self.model.tables)
        refine = TorchPasses(self.model.networks, self.model.correctors)
        colours = values[0].permute(1, 2, 0).numpy()
        with mock.patch("codec.decoding.lossless.coder.PIXEL_LIMIT", 2**12):
            coder.walk(writer, colours.shape[:2], refine, self.model.tables, colours)
        return writer.finish()

    def payload(self, step: int, spread: int, share: float, largest: int) -> bytes:
        """UPDATE payload of random levels, a `share` of them not zero."""
        subspaces, rng = self.model.subspaces, np.random.default_rng(1)
        scales = update.scales_of(subspaces)
        levels = rng.integers(-largest, largest, scales.shape, endpoint=True)
        levels = (levels * (rng.random(scales.shape) < share)).astype(np.int32)
        found = SubspacePayload(step, spread, levels)
        return update.pack(found, subspaces, update.tables_of(self.model.tables))


def lossless_valid_cases(maker: LosslessMaker) -> Iterator[Case]:
    """Files that every decoder accepts."""
    rng = np.random.default_rng(2)
    drawing = drawn(HEIGHT, WIDTH)
    for name, pixels, purpose in (
        ("one-pixel", drawn(1, 1), "the smallest picture"),
        ("one-row", drawn(1, 23), "a picture of one row"),
        ("one-column", drawn(23, 1), "a picture of one column"),
        ("odd", drawing, "grids of odd and of even sides"),
        ("even", drawn(16, 32), "grids of even sides"),
        ("larger", drawn(41, 38), "grids larger than the windows of corrections"),
        ("grey", drawing[..., :1].repeat(3, 2), "a grey picture"),
        ("black", np.zeros((5, 6, 3), np.uint8), "a picture without anything"),
        ("extremes", 255 * rng.integers(0, 2, (9, 8, 3), np.uint8), "the largest differences"),
    ):
        yield Case(f"lossless-{name}", f"without loss: {purpose}", maker.picture(pixels))
    for name, step, spread, share, largest, purpose in (
        ("sparse", 34, 34, 0.1, 3, "a typical update"),
        ("dense", 42, 42, 1, 9, "an update of all coordinates"),
        ("nothing", 20, 20, 0, 1, "an update that changes nothing"),
        ("coarsest", 0, 0, 0, 1, "the largest quantiser step"),
        ("wide", 38, 127, 0.1, 9, "the largest spread"),
        (
            "levels",
            STEPS - 1,
            -128,
            1,
            MAX_SUBSPACE_LEVEL,
            "the largest levels, the smallest spread",
        ),
    ):
        data = maker.picture(drawing, maker.payload(step, spread, share, largest))
        yield Case(f"lossless-update-{name}", f"without loss: {purpose}", data)
    opacity = chunk(Tag.ALPHA, alpha.pack(drawing[..., 0] // 2))
    refine = chosen().refine(maker.model, update.heads_of(maker.model))
    content = coder.encode_pixels(drawing, refine, maker.model.tables)
    data = maker.file(content, after=opacity)
    yield Case("lossless-alpha", "without loss: transparency", data)


def bitstream_cases() -> Iterator[Case]:
    """Lossless files without a model: what WebP makes of pictures, and what may not stand there."""
    drawing = drawn(HEIGHT, WIDTH)
    clear = np.dstack([drawing, drawing[..., 0] // 2])
    opaque, seen_through = (exact.WEBP.write(each, thorough=True) for each in (drawing, clear))
    assert opaque and seen_through
    webp = "without loss: a bitstream of WebP"

    def file(
        content: bytes, model: bytes = b"VP8L", quality: int = LOSSLESS_QUALITY, before: bytes = b""
    ) -> bytes:
        return sealed(
            varint(WIDTH)
            + varint(HEIGHT)
            + bytes([quality])
            + model
            + before
            + chunk(Tag.CONTENT, content)
        )

    opacity = chunk(Tag.ALPHA, alpha.pack(drawing[..., 0]))
    small = exact.WEBP.write(drawn(3, 4), thorough=True)
    assert small
    yield Case("lossless-webp", webp, file(opaque))
    yield Case("lossless-webp-opacity", f"{webp} with its opacity", file(seen_through, b"VP8A"))
    with_chunk = sealed(file(opaque)[4:-4] + opacity)
    yield Case("lossless-webp-alpha", f"{webp}, and an opacity beside it", with_chunk)
    for name, data, purpose in (
        ("two-opacities", sealed(file(seen_through, b"VP8A")[4:-4] + opacity), "two opacities"),
        ("opacity-missing", file(opaque, b"VP8A"), "an opacity that is not there"),
        ("size", file(small), "another size than the header's"),
        ("cut", file(opaque[:20]), "a bitstream that ends early"),
        ("quality", file(opaque, quality=200), "a quality"),
        ("update", file(opaque, before=chunk(Tag.UPDATE, b"\x14\x80")), "an update"),
    ):
        yield Case(f"lossless-webp-{name}", f"{webp}: {purpose}", data, "InvalidField")


def lossless_invalid_cases(maker: LosslessMaker) -> Iterator[Case]:
    """One file per rule, invalid for no other reason."""
    values = torch.zeros(1, 3, HEIGHT, WIDTH, dtype=torch.int16)
    flag = SymbolWriter(maker.model.tables)
    flag.code(np.array([2], np.int32), np.array([coder.NARROWEST]))
    large, red = values.clone(), values.clone()
    large[0, 2, 4, 5], red[0, :2, 4, 5] = 256, 200
    good = maker.of_values(values)
    for name, content, purpose in (
        ("flag", flag.finish(), "neither grey nor coloured"),
        ("value", maker.of_values(large), "a difference of 256"),
        ("pixel", maker.of_values(red), "red of 400"),
        ("range", b"\xff" * 8, "a codeword outside of what the range coder reaches"),
    ):
        purpose = f"without loss: {purpose}"
        yield Case(f"lossless-{name}", purpose, maker.file(content), "InvalidField")
    lossy = maker.file(good, quality=100)
    yield Case("lossless-quality", "quality 100 of a model without loss", lossy, "InvalidField")
    prior = maker.file(good, before=chunk(Tag.PRIOR, b"\x14\x80"))
    yield Case("lossless-prior", "without loss: an update of the prior", prior, "InvalidField")
    for name, payload, error, purpose in (
        ("empty", b"", "Truncated", "no method"),
        ("method", bytes([Method.TRELLIS, 20, 128]), "InvalidField", "the method trellis"),
        ("step", bytes([Method.SUBSPACE, STEPS, 128]), "InvalidField", "step 64"),
        ("exact-range", maker.payload(0, 0, 1, 99), "InvalidField", "weights out of range"),
    ):
        case = f"lossless-update-{name}", f"without loss: {purpose}"
        yield Case(*case, maker.file(good, payload), error)
