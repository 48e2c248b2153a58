"""Which models are in the package, and what their cards say; read without torch."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

PRETRAINED = Path(__file__).parent / "pretrained"
MODELS_VARIABLE = "NNCODEC_MODELS"
REGISTRY = PRETRAINED / "models.toml"
"""SHA-256 of every model in the package by name, and the default for each content."""
ID_BYTES = 4

LICENCE = re.compile(r"^license: *(.+)$", re.MULTILINE)
"""In the YAML head of a card; the key is that of the Hugging Face hub."""
TRAINING_DATA = re.compile(r"^Data: *(.+?)(?:\n\n|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class ModelEntry:
    """One model of the package.

    Attributes:
        name: of its folder.
        id: as files name it, hexadecimal.
        content: the codec that new files are encoded with by it; empty if it only decodes.
        bytes: size of the model file.
        licence: SPDX name, in lower case.
        training_data: what it was trained on.
    """

    name: str
    id: str
    content: str
    bytes: int
    licence: str
    training_data: str


def default_ids() -> dict[str, bytes]:
    """The networks that new files are encoded with: content -> id."""
    registry = tomllib.loads(REGISTRY.read_text(encoding="utf-8"))
    return {
        content: bytes.fromhex(registry["sha256"][name])[:ID_BYTES]
        for content, name in registry["default"].items()
    }


def entries() -> list[ModelEntry]:
    """The models of the package, in the order of its registry."""
    registry = tomllib.loads(REGISTRY.read_text(encoding="utf-8"))
    contents = {name: content for content, name in registry["default"].items()}
    return [
        _entry(name, digest, contents.get(name, "")) for name, digest in registry["sha256"].items()
    ]


def _entry(name: str, digest: str, content: str) -> ModelEntry:
    card = (PRETRAINED / name / "README.md").read_text(encoding="utf-8")
    return ModelEntry(
        name,
        digest[: 2 * ID_BYTES],
        content,
        (PRETRAINED / name / "model.safetensors").stat().st_size,
        _first(LICENCE, card),
        _first(TRAINING_DATA, card),
    )


def _first(pattern: re.Pattern[str], card: str) -> str:
    """What a pattern captures, on one line; empty if the card does not say."""
    found = pattern.search(card)
    return " ".join(found[1].split()) if found else ""
