"""What the fuzzer feeds its inputs to, and by which errors each may refuse them."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image, UnidentifiedImageError

import codec
from bitstream import Container, FormatError, SymbolCoder, SymbolReader, Tag
from bitstream.carriers import carrier_of
from bitstream.update.methods import reference
from codec import DecodeOptions, ForeignUpdateWarning
from codec.contract.options import ReadOptions
from codec.decoding import update
from codec.decoding.engines.choice import chosen
from codec.errors import ImageError, WeightsError
from codec.models import released
from codec.packing import unpack
from codec.packing.report import packed_facts
from codec.picture import formats, reading, writing
from codec.picture.notes import Notes
from scripts.conform.vectors import MODEL_FILE, PLAIN

MAX_PIXELS = 1 << 15
Feed = Callable[[bytes], object]


@dataclass(frozen=True)
class Target:
    """Part of the program.

    Attributes:
        feed: takes one input.
        refusals: what it may raise.
    """

    feed: Feed
    refusals: tuple[type[Exception], ...] = (FormatError,)


class Feeds:
    """All targets; the models that they need are loaded once."""

    def __init__(self) -> None:
        self.model = released.load_file(MODEL_FILE)
        self.plain = Container.unpack(PLAIN.read_bytes())
        codec.register_pillow(MAX_PIXELS)
        self.options = DecodeOptions(max_pixels=MAX_PIXELS)

    @cached_property
    def targets(self) -> dict[str, Target]:
        """By name."""
        return {
            "decode": Target(self._file),
            "lossless": Target(self._file),
            "alpha": Target(self._file),
            "metadata": Target(self._metadata),
            "enhanced": Target(self._enhanced),
            "carriers": Target(self._carriers),
            "update": Target(lambda data: update.apply(data, self.model)),
            "symbols": Target(self._symbols),
            "shared": Target(self._shared),
            "packed": Target(lambda data: unpack(data).serialize(), (FormatError, WeightsError)),
            "info": Target(packed_facts),
            "picture": Target(self._picture, (ImageError,)),
            "probe": Target(codec.probe, (FormatError, ImageError)),
            "pillow": Target(
                self._pillow, (UnidentifiedImageError, OSError, Image.DecompressionBombError)
            ),
        }

    def _file(self, data: bytes) -> None:
        codec.decode(data, self.options)

    def _metadata(self, data: bytes) -> None:
        """Reads them, and writes them into files of a format."""
        found = codec.read_metadata(data)
        pixels = codec.decode(data, self.options)
        form = formats.FORMATS[len(data) % len(formats.FORMATS)]
        writing.save(pixels, found, form, Notes())

    def _enhanced(self, data: bytes) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ForeignUpdateWarning)
            self._file(data)

    def _carriers(self, data: bytes) -> None:
        """Finds, removes and writes payloads; what is written is found."""
        carrier = carrier_of(data)
        if carrier is None:
            return
        carrier.extract(data)
        again = carrier.insert(data, b"\1payload")
        if carrier.extract(again) != b"\1payload":
            raise AssertionError("a payload that was written is not found")
        if carrier.extract(carrier.strip(again)) is not None:
            raise AssertionError("a payload that was removed is found")

    def _picture(self, data: bytes) -> None:
        reading.read_raster(data, ReadOptions(max_pixels=MAX_PIXELS))

    def _symbols(self, data: bytes) -> None:
        # Not all: what damaged codewords hold must suffice for some.
        some_tables = np.arange(0, len(self.model.tables.frequencies), 8).repeat(5)
        outcomes = [
            _values(reader, (some_tables, some_tables[::-1]))
            for reader in (
                SymbolReader(data, self.model.tables),
                chosen().reader(data, self.model.tables),
            )
        ]
        first, second = (
            type(found) if isinstance(found, FormatError) else found for found in outcomes
        )
        if first != second:
            raise AssertionError(f"readers differ: {outcomes}")
        if isinstance(outcomes[0], FormatError):
            raise outcomes[0]

    def _shared(self, data: bytes) -> None:
        chunks = {**self.plain.chunks, Tag.UPDATE: reference(data)}
        options = DecodeOptions(max_pixels=MAX_PIXELS, updates=(b"", data))
        codec.decode(Container(self.plain.header, chunks).pack(), options)

    def _pillow(self, data: bytes) -> None:
        with Image.open(io.BytesIO(data), formats=["NNI"]) as picture:
            picture.load()


def _values(reader: SymbolCoder, calls: Sequence[np.ndarray]) -> list[list[int]] | FormatError:
    """What a reader makes of a codeword: the values of some calls, or its refusal."""
    try:
        return [reader.code(np.empty(table.shape, np.int32), table).tolist() for table in calls]
    except FormatError as error:
        return error
