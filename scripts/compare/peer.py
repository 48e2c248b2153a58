"""PyPI's nncodec (ISO/IEC 15938-17) as a function: tensors and a setting -> bytes, and back.

Of what the package imports besides numpy (torch and others, to train and evaluate networks), coding
tensors uses nothing, and whatever is not installed is replaced by an empty stand-in.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np

Tensors = dict[str, np.ndarray]
UNUSED = "cv2 flwr h5py pandas ptflops sklearn tensorflow torch torchmetrics torchvision tqdm wandb"


@dataclass(frozen=True)
class Setting:
    """Whether quantisation is dependent, the weight of the rate in it, and the step as a QP."""

    dependent: int
    lambda_scale: int
    qp: int


class _AnythingType(type):
    def __getattr__(cls, name: str) -> type:
        return Anything


class Anything(metaclass=_AnythingType):
    """A class that has every attribute, can be called and inherited from, and does nothing."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def __getattr__(self, name: str) -> type:
        return Anything

    def __call__(self, *_: object, **__: object) -> Anything:
        return self


class StandIn(ModuleType):
    __path__: tuple[str, ...] = ()

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything


class StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, names: set[str]) -> None:
        self._names = names

    def find_spec(self, name: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        known = name.partition(".")[0] in self._names
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if known else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None: ...


def load() -> Callable[[Tensors, Setting], tuple[int, Tensors]]:
    """What codes tensors: gives the bytes of the file, and the tensors that it decodes to."""
    sys.meta_path.append(StandIns({name for name in UNUSED.split() if find_spec(name) is None}))
    from nncodec.nnc.compression import compress, decompress

    def recode(tensors: Tensors, setting: Setting) -> tuple[int, Tensors]:
        with tempfile.TemporaryDirectory() as folder:
            data = compress(
                dict(tensors),
                bitstream_path=str(Path(folder) / "tensors.nnc"),
                qp=setting.qp,
                nonweight_qp=setting.qp,
                use_dq=bool(setting.dependent),
                lambda_scale=setting.lambda_scale,
                row_skipping=True,
                return_bitstream=True,
            )
        return len(data), decompress(bytearray(data), verbose=False)

    return recode
