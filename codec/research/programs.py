"""Codecs of one's own, by the commands that run them."""

from __future__ import annotations

import re
import shlex
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from codec.errors import CodecError, FormatError
from codec.research.codecs import CodedImage, CoderError, Pixels

NAMED = re.compile(r"([\w.+-]+)=(.+)", re.DOTALL)
PICTURE, CODED, RESTORED = "picture.png", "coded", "restored.png"
PLACES = ("{in}", "{out}", "{q}")


@dataclass(frozen=True)
class ProgramCoder:
    """A codec that is run as a program, once for each picture and quality.

    Attributes:
        name: as tables call it.
        encoder: command with {in} (a PNG file), {out} and {q}; what follows {out} without a space,
            such as .webp, belongs to the name of the file.
        decoder: command with {in} and {out}, which writes a PNG file; without one, the file is read
            by this codec or by Pillow.
    """

    name: str
    encoder: str
    decoder: str = ""
    effort: str = ""
    version: str = "program"

    def encode(self, pixels: Pixels, quality: float) -> CodedImage:
        """Runs the encoder.  Raises CoderError if it fails, or writes nothing."""
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, PICTURE), Path(folder, CODED)
            Image.fromarray(pixels).save(source)
            _run(self.encoder, {"{in}": source, "{out}": target, "{q}": f"{quality:g}"})
            written = sorted(Path(folder).glob(f"{CODED}*"))
            if len(written) != 1:
                raise CoderError(f"{self.name}: the command has not written {{out}}")
            return CodedImage(written[0].read_bytes(), update_bytes=0)

    def decode(self, data: bytes) -> Pixels:
        """Runs the decoder, or reads the file."""
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, CODED), Path(folder, RESTORED)
            source.write_bytes(data)
            if self.decoder:
                _run(self.decoder, {"{in}": source, "{out}": target})
                source = target
            return _read(self.name, source)


def program(text: str, decoder: str = "") -> ProgramCoder:
    """The codec of `NAME=COMMAND`.  Raises CoderError if it has no place for both files."""
    found = NAMED.fullmatch(text)
    if found is None or not all(place in found[2] for place in PLACES[:2]):
        raise CoderError(f"not NAME=COMMAND with {{in}} and {{out}}: {text}")
    return ProgramCoder(found[1], found[2], decoder)


def _run(command: str, places: dict[str, object]) -> None:
    words = shlex.split(command)
    for place, value in places.items():
        words = [word.replace(place, str(value)) for word in words]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError as error:
        raise CoderError(f"{words[0]}: {error.strerror}") from None
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise CoderError(f"{words[0]} ended with {done.returncode}: {last}")


def _read(name: str, path: Path) -> Pixels:
    from codec.picture import reading

    try:
        pixels: Pixels = np.asarray(reading.load_pixels(str(path)))[..., :3]
    except (CodecError, FormatError, OSError) as error:
        raise CoderError(f"{name}: {error}; --decoder says how files are decoded") from None
    return pixels
