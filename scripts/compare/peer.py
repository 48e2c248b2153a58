"""Codes tensors with PyPI's nncodec (ISO/IEC 15938-17), in an interpreter that has it installed.

    python -m scripts compare.peer TENSORS.npz OUT.npz --settings 1,0,-20 ...

TENSORS.npz has arrays GROUP/TENSOR.  Each group is coded at every setting, and OUT.npz gets
GROUP/DEPENDENT/LAMBDA/QP/bytes, .../mse, and with --keep what is decoded, .../TENSOR.  QP 0 is
a step of 1, four QPs are an octave.  `run_peer` runs this for other scripts.

Needs numpy and the package alone.  Of what that imports besides (torch and others, to train and
evaluate networks), coding tensors uses nothing, and whatever is not installed is replaced by an
empty stand-in.
"""

from __future__ import annotations

import argparse
import importlib.abc
import importlib.machinery
import itertools
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np

Tensors = dict[str, np.ndarray]
ROOT = Path(__file__).parents[2]
TOOLS = tuple(itertools.product((0, 1), (0, 1)))
"""Whether quantisation is dependent, and the weight of the rate in it."""
UNUSED = "cv2 flwr h5py pandas ptflops sklearn tensorflow torch torchmetrics torchvision tqdm wandb"


@dataclass(frozen=True)
class Recoded:
    """A group at one setting: tool and QP, bytes of its file, error, and what it decodes to."""

    tool: tuple[int, int]
    qp: int
    bytes: int
    mse: float
    tensors: Tensors


def run_peer(
    python: str,
    groups: Mapping[str, Tensors],
    qps: Iterable[int],
    tools: Iterable[tuple[int, int]] = TOOLS,
    *,
    keep: bool = False,
) -> dict[str, list[Recoded]]:
    """Codes all groups at all settings.

    Args:
        python: an interpreter that has the package.
        groups: tensors by name, each a file of its own.
        qps: steps.
        tools: see TOOLS.
        keep: whether to give back what is decoded.
    """
    settings = [(tool, qp) for tool in tools for qp in qps]
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "tensors.npz", Path(folder) / "found.npz"
        flat = {f"{group}/{n}": t for group, tensors in groups.items() for n, t in tensors.items()}
        np.savez(source, **flat)
        command = [python, "-m", "scripts.compare.peer", str(source), str(target)]
        command += ["--settings", *(f"{d},{weight},{qp}" for (d, weight), qp in settings)]
        subprocess.run(command + ["--keep"] * keep, check=True, capture_output=True, cwd=ROOT)
        with np.load(target) as archive:
            found = dict(archive)
    return {
        group: [_recoded(found, group, *setting, tensors) for setting in settings]
        for group, tensors in groups.items()
    }


def _recoded(
    found: Tensors, group: str, tool: tuple[int, int], qp: int, tensors: Tensors
) -> Recoded:
    name = _name(group, tool, qp)
    decoded = {key: found[f"{name}/{key}"] for key in tensors if f"{name}/{key}" in found}
    return Recoded(tool, qp, int(found[f"{name}/bytes"]), float(found[f"{name}/mse"]), decoded)


def _name(group: str, tool: tuple[int, int], qp: int) -> str:
    return "/".join(map(str, (group, *tool, qp)))


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


def load() -> Callable[[Tensors, tuple[int, int], int], tuple[int, Tensors]]:
    """What codes tensors: gives the bytes of the file, and the tensors that it decodes to."""
    sys.meta_path.append(StandIns({name for name in UNUSED.split() if find_spec(name) is None}))
    from nncodec.nnc.compression import compress, decompress

    def recode(tensors: Tensors, tool: tuple[int, int], qp: int) -> tuple[int, Tensors]:
        dependent, lambda_scale = tool
        with tempfile.TemporaryDirectory() as folder:
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
        return len(data), decompress(bytearray(data), verbose=False)

    return recode


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tensors", type=Path, metavar="TENSORS.npz")
    parser.add_argument("out", type=Path, metavar="OUT.npz")
    parser.add_argument("--settings", nargs="+", required=True, metavar="DEPENDENT,LAMBDA,QP")
    parser.add_argument("--keep", action="store_true", help="what is decoded, too")
    args = parser.parse_args()
    recode = load()
    groups: dict[str, Tensors] = {}
    with np.load(args.tensors) as archive:
        for key in archive.files:
            group, _, name = key.partition("/")
            groups.setdefault(group, {})[name] = archive[key].astype(np.float32)
    found: Tensors = {}
    for group, tensors in groups.items():
        count = sum(tensor.size for tensor in tensors.values())
        for dependent, weight, qp in (map(int, text.split(",")) for text in args.settings):
            size, back = recode(tensors, (dependent, weight), qp)
            squares = (np.square(t - back[n].astype(np.float64)) for n, t in tensors.items())
            name = _name(group, (dependent, weight), qp)
            found[f"{name}/bytes"] = np.array(size)
            found[f"{name}/mse"] = np.array(sum(part.sum() for part in squares) / count)
            if args.keep:
                found |= {f"{name}/{part}": np.asarray(back[part]) for part in tensors}
    np.savez(args.out, **found)


if __name__ == "__main__":
    main()
