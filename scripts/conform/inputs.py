"""Makes the inputs of `scripts/conform/fuzz.py`: each follows from the seed and its number."""

from __future__ import annotations

import random
from collections.abc import Sequence

from bitstream import Container, Tag
from bitstream.carriers import carrier_of
from bitstream.carriers.enhancement import Enhancement
from bitstream.file.header import LOSSLESS_QUALITY
from codec import enhance
from codec.models import released
from codec.picture import standard
from codec.picture.metadata import upright
from scripts.conform.mutations import Parts, damaged, damaged_file, random_file, random_payload
from scripts.conform.standard_files import examples
from scripts.conform.vectors import LOSSLESS_MODEL_FILE, MODEL_FILE, Vector, all_vectors

TARGETS = ("decode", "decode", "lossless", "enhanced", "update", "symbols")
"""Which target an input is for, by its number."""
LONGEST_PX, LONGEST_LOSSLESS_PX = 100, 5
"""Of the sides of random files; few lossless ones come to the end of a larger picture."""


class Inputs:
    """Makes inputs from the conformance vectors."""

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
        self.enhanced = [enhanced_example(name) for name in ("metadata.jpg", "metadata.webp")]

    def make(self, number: int) -> tuple[str, bytes]:
        """The target of an input, and the input."""
        rng = random.Random(f"{self.seed}/{number}")  # noqa: S311 - not for secrets
        target = TARGETS[number % len(TARGETS)]
        if target == "enhanced":
            return target, random_enhanced(rng, self.enhanced)
        if target == "update":
            return target, random_payload(rng, self.payloads[Tag.UPDATE])
        if target == "symbols":
            return target, random_payload(rng, self.payloads[Tag.CONTENT])
        if rng.random() < 0.5:
            return target, damaged_file(rng, self.files[target])
        return target, random_file(rng, self.parts[target])


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
