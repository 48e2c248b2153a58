"""Released models: find by id, check the hash, load.

A model file is safetensors: integer tensors of the decoder (see `codec.integer_model`), float16
tensors of the analysis, probability tables, and the architecture as JSON in its metadata.  Its id
is the beginning of the SHA-256 of the file, and stands in the header of every encoded image.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from bitstream import CdfTables, UnknownModel
from codec.integer_model import Tensors, build_float, build_integer, integer_level
from codec.model import Model, ModelConfig
from codec.quality import IntegerLevel

PRETRAINED = Path(__file__).parent / "pretrained"
DEFAULT_MODEL = "photo-1"
ID_BYTES = 4


@dataclass(frozen=True)
class ReleasedModel:
    """A model file in memory.  `integer` decodes; `search` is its float twin, for gradients."""

    name: str
    id: bytes
    config: ModelConfig
    tensors: Tensors
    integer: Model
    tables: CdfTables

    def level(self, half: int) -> IntegerLevel:
        """Quality in halves (0..200) -> integers."""
        return integer_level(self.tensors, half)

    def search(self) -> Model:
        """A fresh float model with the same weights."""
        return build_float(self.config, self.tensors)


def available() -> dict[bytes, Path]:
    """Ids and files of the models in the package."""
    files = sorted(PRETRAINED.glob("*/model.safetensors"))
    return {file_id(path): path for path in files}


@lru_cache
def file_id(path: Path) -> bytes:
    """First bytes of the file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).digest()[:ID_BYTES]


def load_default() -> ReleasedModel:
    """The model that new files are encoded with."""
    return load_file(PRETRAINED / DEFAULT_MODEL / "model.safetensors")


def load(model_id: bytes) -> ReleasedModel:
    """The model that a file names.  Raises UnknownModel."""
    path = available().get(model_id)
    if path is None:
        raise UnknownModel(
            f"encoded with model {model_id.hex()}, which this version of nncodec does not have; "
            "a newer version may"
        )
    return load_file(path)


@lru_cache(maxsize=2)
def load_file(path: Path) -> ReleasedModel:
    """Loads a model file and proves the bounds of its integer networks."""
    with safe_open(path, "pt") as file:
        tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}
        architecture = json.loads(file.metadata()["architecture"])
    config = ModelConfig(
        **{k: tuple(v) if isinstance(v, list) else v for k, v in architecture.items()}
    )
    sizes = tensors.pop("tables.sizes").tolist()
    frequencies = tensors.pop("tables.frequencies").numpy().astype(np.int64)
    tables = CdfTables(tuple(np.split(frequencies, np.cumsum(sizes)[:-1])))
    integer = build_integer(config, tensors)
    return ReleasedModel(path.parent.name, file_id(path), config, tensors, integer, tables)


def pack(config: ModelConfig, tensors: Tensors, tables: list[np.ndarray], notes: dict) -> bytes:
    """The bytes of a model file; `notes` are strings for its metadata."""
    import torch

    joined = np.concatenate(tables).astype(np.int32)
    extra = {
        "tables.sizes": torch.tensor([len(t) for t in tables], dtype=torch.int32),
        "tables.frequencies": torch.from_numpy(joined),
    }
    architecture = json.dumps({f.name: asdict(config)[f.name] for f in fields(config)})
    return save(tensors | extra, metadata=notes | {"architecture": architecture})
