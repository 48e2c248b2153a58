"""Released models: find by id, check the hash, load.

A model file is safetensors: integer tensors of the decoder (see `codec.networks.twins`), float16
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
from collections.abc import Hashable
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from bitstream import CdfTables, UnknownModel
from codec.contract.modes import LEARNED, LOSSLESS
from codec.errors import ModelError
from codec.models.heads import subspaces_of
from codec.models.kinds import FilteredModel, LearnedModel, LosslessModel, ReleasedModel
from codec.models.registry import ID_BYTES, MODELS_VARIABLE, PRETRAINED, REGISTRY
from codec.models.subspace import Subspace
from codec.networks import exactness
from codec.networks.isolation import isolated
from codec.networks.learned import ModelConfig
from codec.networks.lossless import twins as lossless
from codec.networks.lossless.network import LosslessConfig
from codec.networks.postfilter import FilterConfig
from codec.networks.twins import Tensors, build_integer

Config = ModelConfig | FilterConfig | LosslessConfig


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
        ModelError: its file is missing or damaged, two different models have that id, or its
            networks are not exact on this machine.
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
    _prove(path, exactness.settings())
    return load_file(path)


@lru_cache
def _prove(path: Path, _settings: Hashable) -> None:
    """Refuses a machine on which the networks are not exact; once for what selects its kernels."""
    try:
        exactness.prove(load_file(path).networks)
    except exactness.InexactError as error:
        raise ModelError(
            f"this machine does not compute the networks exactly (layer {error}), so that pictures "
            "would have other pixels: its convolutions must have the full precision of float32"
        ) from error


@lru_cache(maxsize=2)
@isolated()
def load_file(path: Path) -> ReleasedModel:
    """Loads a model file and proves the bounds of its integer networks."""
    with safe_open(path, "pt") as file:
        tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}
        architecture = json.loads(file.metadata()["architecture"])
    sizes = tensors.pop("tables.sizes").tolist()
    frequencies = tensors.pop("tables.frequencies").numpy().astype(np.int64)
    tables = CdfTables(tuple(np.split(frequencies, np.cumsum(sizes)[:-1])))
    config = read_config(architecture["content"], architecture["networks"])
    facts = (path.parent.name, file_id(path), architecture["content"], tensors, tables)
    return build(facts, config)


def build(facts: tuple[str, bytes, str, Tensors, CdfTables], config: Config) -> ReleasedModel:
    """Builds a model's networks from its tensors.

    Args:
        facts: the fields of `ReleasedModel`, in their order.
        config: sizes of the networks.
    """
    tensors = facts[3]
    if isinstance(config, LosslessConfig):
        networks = lossless.build(config, tensors)
        return LosslessModel(*facts, config, networks, subspaces_of(networks, tensors))
    parts = (build_integer(config, tensors), Subspace.of_tensors(tensors))
    if isinstance(config, FilterConfig):
        return FilteredModel(*facts, config, *parts)
    prior = Subspace.of_tensors(tensors, "prior") if "prior.inner" in tensors else None
    return LearnedModel(*facts, config, *parts, prior)


def read_config(content: str, sizes: dict) -> Config:
    """Sizes as JSON or TOML give them: lists for tuples, a table for the filter of a `Model`."""
    fields = {key: tuple(v) if isinstance(v, list) else v for key, v in sizes.items()}
    if content == LOSSLESS:
        return LosslessConfig(**fields)
    if content != LEARNED:
        return FilterConfig(**fields)
    return ModelConfig(**fields | {"filter": read_config("filter", fields["filter"])})


def pack(
    content: str,
    config: Config,
    tensors: Tensors,
    tables: list[np.ndarray],
    notes: dict,
) -> bytes:
    """The bytes of a model file; `notes` are strings for its metadata."""
    joined = np.concatenate(tables).astype(np.int32)
    extra = {
        "tables.sizes": torch.tensor([len(t) for t in tables], dtype=torch.int32),
        "tables.frequencies": torch.from_numpy(joined),
    }
    architecture = json.dumps({"content": content, "networks": asdict(config)})
    return save(tensors | extra, metadata=notes | {"architecture": architecture})
