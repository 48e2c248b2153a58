"""The conformance vectors of tests/vectors, as their manifests describe them."""

from __future__ import annotations

import hashlib
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from codec.decoding import decoder
from codec.opening import open_file

VECTORS = Path(__file__).parents[2] / "tests" / "vectors"
MODELS = VECTORS / "models"
"""What NNCODEC_MODELS names while vectors are decoded."""

MODEL_FILE = MODELS / "tiny" / "model.safetensors"
PRIOR_MODEL_FILE = MODELS / "tiny-prior" / "model.safetensors"
"""The same, with updates of its prior."""
PLAIN = VECTORS / "v1" / "valid" / "subspace-sparse.bin"
"""A picture with an update, which the fuzzer changes in parts."""
LOSSLESS_MODEL_FILE = MODELS / "lossless" / "model.safetensors"


@dataclass(frozen=True)
class Vector:
    """One file, and what a decoder makes of it.

    Attributes:
        path: of the file.
        purpose: the rule that it exercises.
        sha256: of the file.
        pixels_sha256: of the decoded samples, None if the file is invalid.
        error: class of the error that refuses the file, None if it is valid.
    """

    path: Path
    purpose: str
    sha256: str
    pixels_sha256: str | None = None
    error: str | None = None

    @property
    def id(self) -> str:
        return f"{self.path.parent.parent.name}/{self.path.parent.name}/{self.path.stem}"


def format_versions() -> list[Path]:
    """The folders of all format versions that have vectors."""
    return sorted(path.parent for path in VECTORS.glob("v*/manifest.toml"))


def read_vectors(version: Path) -> list[Vector]:
    """All vectors of one folder, in the order of its manifest."""
    manifest = tomllib.loads((version / "manifest.toml").read_text(encoding="utf-8"))
    return [
        Vector(
            version / kind / f"{entry['id']}.bin",
            entry["purpose"],
            entry["sha256"],
            entry.get("pixels_sha256"),
            entry.get("error"),
        )
        for kind in ("valid", "invalid")
        for entry in manifest.get(kind, [])
    ]


def all_vectors() -> list[Vector]:
    """The vectors of all versions."""
    return [vector for version in format_versions() for vector in read_vectors(version)]


def outcomes() -> Counter[str]:
    """Decodes all vectors, NNCODEC_MODELS naming their models; counts what came of them.

    Raises:
        AssertionError: a picture is another, or a file is not refused for its reason.
    """
    found: Counter[str] = Counter()
    for vector in all_vectors():
        try:
            pixels = decoder.restore(open_file(vector.path.read_bytes())).pixels
        except Exception as error:
            outcome = type(error).__name__
        else:
            outcome = "decoded"
            assert pixels_sha256(pixels) == vector.pixels_sha256, vector.id
        assert outcome == (vector.error or "decoded"), (vector.id, outcome)
        found[outcome] += 1
    return found


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def pixels_sha256(pixels: np.ndarray) -> str:
    """Hash of the samples in raster order: red, green, blue of each pixel."""
    return sha256(np.ascontiguousarray(pixels).tobytes())
