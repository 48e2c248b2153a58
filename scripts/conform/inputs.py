"""Makes the inputs of `scripts/conform/fuzz.py`: each follows from seed, target and number."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cached_property

from bitstream import Container, Tag
from bitstream.carriers import carrier_of
from bitstream.carriers.enhancement import Enhancement
from bitstream.file.header import LOSSLESS_QUALITY
from codec import enhance
from codec.models import released
from codec.picture import standard
from codec.picture.metadata import upright
from scripts.conform import picture_files, structured
from scripts.conform.mutations import Parts, damaged, damaged_file, random_file, random_payload
from scripts.conform.standard_files import examples
from scripts.conform.vectors import (
    LOSSLESS_MODEL_FILE,
    MODEL_FILE,
    PLAIN,
    Vector,
    all_vectors,
)

SHARES = {
    "decode": 12,
    "lossless": 3,
    "enhanced": 4,
    "carriers": 11,
    "update": 6,
    "symbols": 8,
    "alpha": 4,
    "metadata": 12,
    "packed": 4,
    "info": 2,
    "shared": 4,
    "picture": 8,
    "probe": 12,
    "pillow": 10,
}
"""How many of 100 inputs a target gets: more where an input takes less time."""
LONGEST_PX, LONGEST_LOSSLESS_PX = 100, 5
"""Of the sides of random files; few lossless ones come to the end of a larger picture."""


class Inputs:
    """Makes inputs from the conformance vectors; each follows from its target and its number."""

    def __init__(self, seed: int) -> None:
        vectors = all_vectors()
        self.seed = seed
        own = [vector for vector in vectors if vector.path.stem.startswith("lossless-")]
        others = [vector for vector in vectors if vector not in own]
        self.payloads, payloads = payloads_of(others), payloads_of(own)
        self.files = {"decode": files_of(others), "lossless": files_of(own)}
        self.parts = {
            "decode": Parts(
                released.file_id(MODEL_FILE),
                range(LOSSLESS_QUALITY),
                LONGEST_PX,
                self.payloads[Tag.UPDATE],
                self.payloads[Tag.CONTENT],
            ),
            "lossless": Parts(
                released.file_id(LOSSLESS_MODEL_FILE),
                (LOSSLESS_QUALITY,),
                LONGEST_LOSSLESS_PX,
                payloads[Tag.UPDATE],
                payloads[Tag.CONTENT],
            ),
        }
        self.plain = Container.unpack(PLAIN.read_bytes())

    @cached_property
    def enhanced(self) -> list[bytes]:
        """Standard files with updates."""
        names = ("metadata.jpg", "metadata.webp", "metadata.avif")
        return [enhanced_example(name) for name in names]

    @cached_property
    def packed(self) -> list[bytes]:
        """Files of packed weights."""
        return structured.packed_seeds()

    @cached_property
    def pictures(self) -> list[bytes]:
        """Pictures to encode."""
        return picture_files.seeds()

    def make(self, target: str, number: int) -> bytes:
        """An input for a target."""
        rng = random.Random(f"{self.seed}/{target}/{number}")  # noqa: S311 - not for secrets
        model, contents = self.parts["decode"].model, self.payloads[Tag.CONTENT]
        match target:
            case "enhanced":
                return random_enhanced(rng, self.enhanced)
            case "picture":
                return picture_files.hostile(rng, self.pictures)
            case "carriers":
                return damaged(rng, self.enhanced)
            case "update":
                return random_payload(rng, self.payloads[Tag.UPDATE])
            case "symbols":
                return random_payload(rng, contents)
            case "alpha":
                return structured.with_alpha(rng, self.plain)
            case "metadata":
                return structured.with_metadata(rng, model, contents)
            case "shared":
                return structured.shared(rng, model, self.payloads[Tag.UPDATE])
            case "packed" | "info":
                return structured.packed(rng, self.packed)
            case "probe" | "pillow":
                return self._any_file(rng, model, contents, target)
        if rng.random() < 0.5:
            return damaged_file(rng, self.files[target])
        return random_file(rng, self.parts[target])

    def _any_file(
        self, rng: random.Random, model: bytes, contents: Sequence[bytes], target: str
    ) -> bytes:
        """For what opens files of any kind."""
        kind = rng.randrange(5 if target == "probe" else 4)
        if kind < 2:
            return damaged_file(rng, self.files["decode"])
        if kind == 4:
            return random_enhanced(rng, self.enhanced)
        if kind == 2:
            return structured.with_alpha(rng, self.plain)
        return structured.with_metadata(rng, model, contents)


def files_of(vectors: Sequence[Vector]) -> list[bytes]:
    """Their bytes."""
    return [vector.path.read_bytes() for vector in vectors]


def payloads_of(vectors: Sequence[Vector]) -> dict[Tag, list[bytes]]:
    """What the chunks of the valid ones hold."""
    valid = files_of([vector for vector in vectors if vector.error is None])
    containers = [Container.unpack(data) for data in valid]
    return {
        tag: [found.chunks[tag] for found in containers if found.chunks.get(tag)] for tag in Tag
    }


def enhanced_example(name: str) -> bytes:
    """A small standard file with an update, towards a darker picture."""
    data = examples()[name]
    pixels = standard.read_pixels(data)
    orientation = standard.read_metadata(data).orientation
    return enhance(upright(pixels // 2, orientation), data).data


def random_enhanced(rng: random.Random, files: Sequence[bytes]) -> bytes:
    """A damaged standard file, or one with a damaged update that its checksum vouches for."""
    if rng.random() < 0.5:
        return damaged(rng, files)
    data = rng.choice(files)
    carrier = carrier_of(data)
    found = Enhancement.unpack(carrier.extract(data))
    picture = standard.picture_of(standard.read_pixels(data))
    forged = Enhancement.of_picture(
        picture, found.model, rng.randint(0, 200), random_payload(rng, [found.update])
    )
    return carrier.insert(data, forged.pack())
