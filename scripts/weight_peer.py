"""Runs PyPI's nncodec (ISO/IEC 15938-17) on tensors; compare_weight_coders.py starts it.

    python scripts/weight_peer.py TENSORS.npz

writes one line per setting, tab separated: dependent quantisation 0 or 1, lambda scale, QP, bytes
of the file, mean squared error. It imports nothing of this project, and needs only numpy and the
package itself: of what nncodec imports besides (torch and others, to train and evaluate networks),
coding tensors uses nothing, and whatever is not installed is replaced by an empty stand-in.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np

UNUSED = "cv2 flwr h5py pandas ptflops sklearn tensorflow torch torchmetrics torchvision tqdm wandb"
QPS = range(-47, -8, 3)
"""Four per octave of the step: from more than 6 bits per weight of the released model to 1."""


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


def main() -> None:
    sys.meta_path.append(StandIns({name for name in UNUSED.split() if find_spec(name) is None}))
    from nncodec.nnc.compression import compress, decompress

    with np.load(sys.argv[1]) as archive:
        tensors = {name: archive[name] for name in archive.files}
    count = sum(tensor.size for tensor in tensors.values())
    with tempfile.TemporaryDirectory() as folder:
        for dependent in (0, 1):
            for lambda_scale in (0, 1):
                for qp in QPS:
                    data = compress(
                        dict(tensors),
                        bitstream_path=str(Path(folder) / "tensors.nnc"),
                        qp=qp,
                        nonweight_qp=qp,
                        use_dq=bool(dependent),
                        lambda_scale=lambda_scale,
                        row_skipping=True,
                        return_bitstream=True,
                    )
                    back = decompress(bytearray(data), verbose=False)
                    error = sum(
                        np.square(tensor - back[name].astype(np.float64)).sum()
                        for name, tensor in tensors.items()
                    )
                    print(dependent, lambda_scale, qp, len(data), error / count, sep="\t")


if __name__ == "__main__":
    main()
