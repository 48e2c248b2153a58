"""A small picture, a small file, and fakes of the codec, so that no test here needs networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import codec
from bitstream.file.container import Container, Tag
from bitstream.file.header import Header
from bitstream.update.shared import SharedUpdate
from codec import files
from codec.cli import main
from codec.contract.decoding import DecodeOptions
from codec.contract.options import EncodeOptions
from codec.contract.report import SharedResult
from codec.decoding.restored import Restored
from codec.picture.metadata import Metadata
from codec.pictures import load_raster


def stored(pixels: np.ndarray) -> bytes:
    """A valid file whose content is the pixels themselves."""
    height, width, _ = pixels.shape
    header = Header(width, height, quality=101, model=b"\x01\x02\x03\x04")
    return Container(header, {Tag.UPDATE: b"abc", Tag.CONTENT: pixels.tobytes()}).pack()


@dataclass(frozen=True)
class FakeReport:
    psnr_db: float = 34.934
    bpp: float = 2.25
    update_bytes: int = 3
    seconds: float = 9.81
    quality: float = 50.0
    note: str = ""


@dataclass(frozen=True)
class FakeResult:
    data: bytes
    report: FakeReport


class FakeCodec:
    """Stores pixels as they are, and remembers what it was asked."""

    def __init__(self) -> None:
        self.encode_options: EncodeOptions | None = None
        self.decode_options: DecodeOptions | None = None
        self.report = FakeReport()
        self.update = SharedUpdate(b"abcd", b"\x01payload").pack()

    def encode(
        self,
        picture: bytes | str | np.ndarray,
        options: EncodeOptions,
        on_progress: Callable[[str, float], None],
        roi: bytes | None = None,
    ) -> FakeResult:
        pixels = load_raster(picture, options).pixels
        self.encode_options, self.roi = options, roi
        for step in range(5):
            on_progress("refine", step / 4)
        return FakeResult(stored(pixels), self.report)

    def encode_shared(
        self,
        pictures: Sequence[bytes],
        options: EncodeOptions,
        on_progress: Callable[[str, float], None],
    ) -> SharedResult:
        results = tuple(self.encode(picture, options, on_progress) for picture in pictures)
        return SharedResult(results, self.update, len(results) if self.update else 0)

    def decode(self, data: bytes, options: DecodeOptions) -> np.ndarray:
        self.decode_options = options
        container = Container.unpack(data)
        shape = (container.header.height, container.header.width, 3)
        return np.frombuffer(container.chunks[Tag.CONTENT], np.uint8).reshape(shape)

    def restore(self, name: str, options: DecodeOptions) -> Restored:
        data = files.read(name)
        metadata = Metadata.of_chunks(Container.unpack(data).chunks)
        return Restored(self.decode(data, options), metadata)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeCodec:
    """Replaces the functions of `codec`, without triggering their lazy import."""
    fake = FakeCodec()
    for name in ("encode", "encode_shared", "decode", "restore"):
        monkeypatch.setitem(vars(codec), name, getattr(fake, name))
    return fake


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)


@pytest.fixture
def folder(tmp_path: Path, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, holding photo.png and its file photo.bin."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(pixels).save("photo.png")
    Path("photo.bin").write_bytes(stored(pixels))
    return tmp_path


@pytest.fixture
def run(folder: Path, fake: FakeCodec) -> Callable[..., Result]:
    """Runs the command line in `folder`, against the fake codec."""

    def invoke(*arguments: str, stdin: bytes | None = None) -> Result:
        return CliRunner().invoke(main, arguments, input=stdin, prog_name="nncodec")

    return invoke
