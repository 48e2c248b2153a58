"""Conformance vectors of lossless files with more than 8 bits a sample (FORMAT.md section 14.8)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bitstream import Tag
from bitstream.file import alpha, pixel_checksum
from bitstream.file.fine import WEIGHTS, FinePart
from codec.decoding.engines.choice import chosen
from codec.decoding.lossless import coder, fine, update
from codec.encoding.lossless.fine import fitted_weights
from codec.picture import exact
from codec.picture.pixels import samples_of
from codec.picture.scaling import Deep, Rule, Scaling
from scripts.conform.lossless import HEIGHT, LOSSLESS_QUALITY, WIDTH, LosslessMaker
from scripts.conform.maker import Case, chunk, sealed, varint

FORTUNE = 5


def deep_drawn(height: int, width: int, depth: int, noise: int) -> Deep:
    """Values of a smooth picture with edges: uint16 [h w 3]; `noise` counts in values."""
    rng = np.random.default_rng(FORTUNE)
    y, x = np.mgrid[:height, :width]
    smooth = np.stack([700 * x + 300 * y, 650 * x + 330 * y + 900, 500 * x + 200 * y], -1)
    edges = 9000 * ((x // 7 + y // 5) % 2)[..., None]
    values = (smooth + edges >> (16 - depth)) + rng.integers(0, noise + 1, (height, width, 3))
    return np.minimum(values, 2**depth - 1).astype(np.uint16)


class DeepMaker:
    """Makes files of values."""

    def __init__(self, maker: LosslessMaker) -> None:
        self.maker = maker

    def content(self, pixels: NDArray[np.uint8]) -> bytes:
        """CONTENT of the high parts."""
        model = self.maker.model
        refine = chosen().refine(model, update.heads_of(model))
        return coder.encode_pixels(pixels, refine, model.tables)

    def picture(self, values: Deep, scaling: Scaling, *, fitted: bool = False) -> bytes:
        """The file of a picture."""
        weights = None
        if fitted:
            planes = fine.planes_of(values)
            weights = fitted_weights(planes, scaling.depth - 8, least_px=0)
        payload = fine.encode(values, scaling, weights)
        return self.file(fine.high_of(values, scaling.depth), payload)

    def file(
        self,
        high: NDArray[np.uint8],
        payload: bytes,
        *,
        quality: int = LOSSLESS_QUALITY,
        before: bytes = b"",
        after: bytes = b"",
    ) -> bytes:
        """A file with any payload of FINE."""
        extra = chunk(Tag.FINE, payload) + after
        content, size = self.content(high), high.shape[:2]
        return self.maker.file(content, size=size, quality=quality, before=before, after=extra)


def deep_valid_cases(maker: LosslessMaker) -> Iterator[Case]:
    """Files that every decoder accepts."""
    deep, rng = DeepMaker(maker), np.random.default_rng(FORTUNE)
    drawing = deep_drawn(HEIGHT, WIDTH, 16, 60)
    grey = drawing[..., :1].repeat(3, 2)
    full, by_zeros = Scaling(16, Rule.SHIFTED), Rule.SHIFTED
    for name, values, scaling, purpose in (
        ("one-pixel", drawing[:1, :1], full, "the smallest picture"),
        ("one-row", drawing[:1], full, "a picture of one row"),
        ("one-column", drawing[:, :1], full, "a picture of one column"),
        ("16", drawing, full, "16 bits"),
        ("grey", grey, full, "greys of 16 bits"),
        ("black", drawing * 0, full, "a picture without anything"),
        ("noise", rng.integers(0, 2**16, (9, 8, 3)).astype(np.uint16), full, "noise"),
        ("15-zeros", drawing >> 1, Scaling(15, by_zeros), "15 bits and a zero"),
        ("12-repeated", drawing >> 4, Scaling(12, Rule.REPEATED), "12 bits, repeated"),
        ("10-nearest", drawing >> 6, Scaling(10, Rule.NEAREST), "10 bits, scaled"),
        ("9-zeros", drawing >> 7, Scaling(9, by_zeros), "9 bits and zeros"),
        ("8-repeated", drawing >> 8, Scaling(8, Rule.REPEATED), "8 bits in 16"),
    ):
        data = deep.picture(values, scaling)
        yield Case(f"lossless-deep-{name}", f"more than 8 bits a sample: {purpose}", data)
    for name, values in (("weights", drawing), ("grey-weights", grey)):
        data = deep.picture(values, full, fitted=True)
        purpose = "more than 8 bits a sample: weights of its own"
        yield Case(f"lossless-deep-{name}", purpose, data)
    payload, high = fine.encode(drawing, full, None), fine.high_of(drawing, 16)
    loud = np.full(WEIGHTS[3], 2**15 - 1, np.int16)
    data = deep.file(high, fine.encode(drawing, full, loud))
    yield Case("lossless-deep-loud", "more than 8 bits a sample: the largest weights", data)
    opacity = alpha.pack(high[..., 0])
    opaque = np.dstack([drawing, high[..., 0] * np.uint16(257)])
    checksum = chunk(Tag.PIXELS, pixel_checksum.pack(samples_of(opaque)))
    data = deep.file(high, payload, before=checksum, after=chunk(Tag.ALPHA, opacity))
    purpose = "more than 8 bits a sample, transparency and a checksum"
    yield Case("lossless-deep-alpha", purpose, data)
    webp = exact.WEBP.write(high, thorough=True)
    assert webp
    head = varint(WIDTH) + varint(HEIGHT) + bytes([LOSSLESS_QUALITY]) + b"VP8L"
    data = sealed(head + chunk(Tag.CONTENT, webp) + chunk(Tag.FINE, payload))
    yield Case("lossless-deep-webp", "more than 8 bits a sample, the first as WebP", data)


def deep_invalid_cases(maker: LosslessMaker) -> Iterator[Case]:
    """One file per rule, invalid for no other reason."""
    deep, values = DeepMaker(maker), deep_drawn(HEIGHT, WIDTH, 16, 60)
    high = fine.high_of(values, 16)
    payload = fine.encode(values, Scaling(16, Rule.SHIFTED), None)
    weights = FinePart(16, 0, 3, np.zeros(WEIGHTS[3], np.int16)).pack()
    for name, data, error, purpose in (
        ("depth-7", b"\x07" + payload[1:], "InvalidField", "a depth of 7"),
        ("depth-17", b"\x11" + payload[1:], "InvalidField", "a depth of 17"),
        ("rule", payload[:1] + b"\x03" + payload[2:], "InvalidField", "rule 3"),
        ("kind", payload[:2] + b"\x04" + payload[3:], "InvalidField", "kind 4"),
        ("channel", payload[:2] + b"\x01" + payload[3:], "InvalidField", "greys of colours"),
        ("8", b"\x08\x00\x00", "InvalidField", "bytes behind 8 bits"),
        ("nothing", b"", "Truncated", "no field"),
        ("weights-cut", weights[:-1], "Truncated", "weights that end early"),
        ("cut", payload[: len(payload) // 2], "Truncated", "a codeword that ends early"),
    ):
        purpose = f"more than 8 bits a sample: {purpose}"
        yield Case(f"lossless-deep-bad-{name}", purpose, deep.file(high, data), error)
    checksum = chunk(Tag.PIXELS, pixel_checksum.pack(samples_of(high)))
    data = deep.file(high, payload, before=checksum)
    purpose = "more than 8 bits a sample: the checksum of the first"
    yield Case("lossless-deep-bad-checksum", purpose, data, "ChecksumMismatch")
