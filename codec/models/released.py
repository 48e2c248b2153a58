"""Released models: find by id, check the hash, load.

A model file is safetensors: integer tensors of the decoder (see `codec.networks.export`), float16
tensors of the analysis, probability tables, and the architecture as JSON in its metadata.  Its id
is the beginning of the SHA-256 of the file, and stands in the header of every encoded image.

Models are sought in the package, then in the folder that the environment variable NNCODEC_MODELS
names; either holds them as <name>/model.safetensors.
"""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save

from bitstream import CdfTables, Header, InvalidField, UnknownModel
from codec.contract.contents import LEARNED
from codec.errors import ModelError
from codec.models.kinds import FilteredModel, LearnedModel, LosslessModel, ReleasedModel
from codec.models.registry import ID_BYTES, MODELS_VARIABLE, PRETRAINED, REGISTRY
from codec.models.subspace import Subspace
from codec.networks.config import Config, FilterConfig, LosslessConfig, read_config
from codec.networks.integers import Arrays


def available() -> dict[bytes, Path]:
    """Whole hashes and files of the models of the package, as its registry says, and of others."""
    names = tomllib.loads(REGISTRY.read_text())["sha256"]
    return _others() | {
        bytes.fromhex(digest): PRETRAINED / name / "model.safetensors"
        for name, digest in names.items()
    }


def _others() -> dict[bytes, Path]:
    """Hashes and files of the models in the folder of NNCODEC_MODELS."""
    if MODELS_VARIABLE not in os.environ:
        return {}
    files = Path(os.environ[MODELS_VARIABLE]).glob("*/model.safetensors")
    return {file_hash(path): path for path in sorted(files)}


@lru_cache
def file_hash(path: Path) -> bytes:
    """The file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).digest()


def file_id(path: Path) -> bytes:
    """How encoded files name a model: the first bytes of its SHA-256."""
    return file_hash(path)[:ID_BYTES]


def load_default(content: str = LEARNED) -> ReleasedModel:
    """The model that new files of a content are encoded with.  Raises ModelError."""
    registry = tomllib.loads(REGISTRY.read_text())
    if content not in registry["default"]:
        raise ModelError(f"there is no model for {content} content")
    name = registry["default"][content]
    return load(bytes.fromhex(registry["sha256"][name])[:ID_BYTES])


def load(model_id: bytes) -> ReleasedModel:
    """The model that a file names.

    Raises:
        UnknownModel: there is none of that id.
        ModelError: its file is missing or damaged, or two different models have that id.
    """
    found = [(digest, path) for digest, path in available().items() if digest.startswith(model_id)]
    if not found:
        raise UnknownModel(
            f"needs model {model_id.hex()}, which this version of nncodec does not have: install "
            f"a newer version, or name a folder that holds the model in {MODELS_VARIABLE}"
        )
    if len(found) > 1:
        names = " and ".join(str(path) for _, path in found)
        raise ModelError(f"model {model_id.hex()} is both {names}; remove what is not yours")
    digest, path = found[0]
    if not path.exists():
        raise ModelError(f"the model file {path} is missing; install nncodec again")
    if file_hash(path) != digest:
        raise ModelError(f"the model file {path} is damaged; install nncodec again")
    return load_file(path)


def load_for(header: Header) -> ReleasedModel:
    """The model of a file, whose kind must go with the file's quality.

    Raises:
        InvalidField: the file is lossless and its model is not, or the other way round.
        Else as `load`.
    """
    model = load(header.model)
    if isinstance(model, LosslessModel) != header.lossless:
        raise InvalidField(f"quality {header.quality} does not go with {model.content} content")
    return model


@lru_cache(maxsize=2)
def load_file(path: Path) -> ReleasedModel:
    """Loads a model file."""
    with safe_open(path, "np") as file:
        arrays: dict[str, NDArray[Any]] = {name: file.get_tensor(name) for name in file.keys()}
        architecture = json.loads(file.metadata()["architecture"])
    sizes = arrays.pop("tables.sizes").tolist()
    frequencies = arrays.pop("tables.frequencies").astype(np.int64)
    tables = CdfTables(tuple(np.split(frequencies, np.cumsum(sizes)[:-1])))
    config = read_config(architecture["content"], architecture["networks"])
    facts = (path.parent.name, file_id(path), architecture["content"], arrays, tables)
    return model_of(facts, config)


def model_of(facts: tuple[str, bytes, str, Arrays, CdfTables], config: Config) -> ReleasedModel:
    """Makes a model of what its file holds.

    Args:
        facts: the fields of `ModelFile`, in their order.
        config: sizes of the networks.
    """
    arrays = facts[3]
    if isinstance(config, LosslessConfig):
        from codec.models.heads import subspaces_of

        return LosslessModel(*facts, config, subspaces_of(arrays))
    subspace = Subspace.of_arrays(arrays)
    if isinstance(config, FilterConfig):
        return FilteredModel(*facts, config, subspace)
    prior = Subspace.of_arrays(arrays, "prior") if "prior.inner" in arrays else None
    return LearnedModel(*facts, config, subspace, prior)


def pack_model(
    content: str,
    config: Config,
    arrays: Arrays,
    tables: list[NDArray[np.integer]],
    notes: dict[str, str],
) -> bytes:
    """The bytes of a model file; `notes` are strings for its metadata."""
    extra = {
        "tables.sizes": np.array([len(table) for table in tables], np.int32),
        "tables.frequencies": np.concatenate(tables).astype(np.int32),
    }
    architecture = json.dumps({"content": content, "networks": asdict(config)})
    return save({**arrays, **extra}, metadata=notes | {"architecture": architecture})
