"""Decodes files in every way that must not matter, and compares the pixels.

    python -m scripts conform.exactness photo-*.bin --json torch-new.json
    python -m scripts conform.exactness photo-*.bin --against torch-new.json

prints one row per case, the second command (run it with another version of torch) also those of the
first; exits with 1 if a single pixel differs anywhere.  Three 768x512 pictures at three qualities
take about a minute on one core; --torch one leaves all cases of torch but the first out.

Cases of the kernel: each instruction set that runs here, with 1 and 2 threads.  Cases of torch: 1
and 2 threads x oneDNN on and off x convolutions in channels-last and contiguous layout; sums in
float64, without the split into float32 parts whose exactness is to be shown; bfloat16 allowed by
the surrounding program; and, where there is one, convolutions on a GPU.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import torch
from torch import Tensor
from torch.nn import functional

from codec import decode
from codec.decoding.engines.choice import ENGINE_VARIABLE, chosen
from codec.decoding.engines.library import LEVEL_VARIABLE, levels
from codec.decoding.engines.threads import THREADS_VARIABLE
from codec.models import released
from codec.networks.fixed_point import IntegerConv, IntegerInverseKlt, rescale
from scripts.conform.vectors import pixels_sha256, sha256

SHOWN_DIGITS = 16
ACTIVATION_SHIFT = 3
TORCH = {"all": None, "one": 1}
"""How many cases of torch a choice takes."""
Case = tuple[str, AbstractContextManager[object]]


@dataclass(frozen=True)
class Row:
    """What one case gave: a hash of the decoded pixels for each file, by name."""

    case: str
    torch: str
    pixels: dict[str, str]

    def digest(self) -> str:
        """One hash for all files."""
        return sha256("".join(self.pixels[name] for name in sorted(self.pixels)).encode())


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--json", type=Path, metavar="OUT", help="keep the hashes")
    parser.add_argument("--against", type=Path, metavar="OTHER", help="compare with kept hashes")
    parser.add_argument("--torch", choices=("all", "one"), default="all", help="cases of torch")
    args = parser.parse_args()
    ways = itertools.chain(kernel_cases(), itertools.islice(torch_cases(), TORCH[args.torch]))
    rows = [decode_all(name, setting, args.files) for name, setting in ways]
    if args.json:
        kept = [vars(row) for row in rows]
        args.json.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    if args.against:
        rows += [Row(**kept) for kept in json.loads(args.against.read_text(encoding="utf-8"))]
    return report(rows)


def kernel_cases() -> Iterator[Case]:
    """Names, and what makes a decode by the kernel happen in that way."""
    for level, threads in itertools.product(levels(), (1, 2)):
        kernel = {LEVEL_VARIABLE: level, THREADS_VARIABLE: str(threads)}
        yield f"kernel, {level}, {threads} threads", engine("kernel", **kernel)


def torch_cases() -> Iterator[Case]:
    """Names, and what makes a decode by torch happen in that way."""
    for name, setting in torch_settings():
        yield f"torch, {name}", by_torch(setting)


@contextmanager
def engine(name: str, **variables: str) -> Iterator[None]:
    """All networks by an engine, as variables of the environment ask for it."""
    with mock.patch.dict(os.environ, variables | {ENGINE_VARIABLE: name}):
        chosen.cache_clear()
        yield
    chosen.cache_clear()


@contextmanager
def by_torch(setting: AbstractContextManager[object]) -> Iterator[None]:
    """All networks by torch, in some way."""
    with engine("torch"), setting:
        yield


def torch_settings() -> Iterator[Case]:
    """Names, and settings of torch."""
    for threads, onednn, layout in itertools.product(
        (1, 2), (True, False), (torch.channels_last, torch.contiguous_format)
    ):
        name = f"{threads} threads, oneDNN {'on' if onednn else 'off'}, {layout_name(layout)}"
        yield name, computed(threads, onednn, layout)
    yield "plain float64", mock.patch.object(IntegerConv, "forward", plain_float64)
    yield "bfloat16 allowed", lower_precision()
    if torch.cuda.is_available():
        yield f"convolutions on {torch.cuda.get_device_name()}", on_gpu()


def layout_name(layout: torch.memory_format) -> str:
    return "channels-last" if layout == torch.channels_last else "contiguous"


@contextmanager
def computed(threads: int, onednn: bool, layout: torch.memory_format) -> Iterator[None]:
    """Settings of torch; the layout takes the place of that which the codec asks for."""
    before = torch.get_num_threads(), torch.backends.mkldnn.enabled
    torch.set_num_threads(threads)
    torch.backends.mkldnn.enabled = onednn
    try:
        with mock.patch.object(torch, "channels_last", layout):
            yield
    finally:
        torch.set_num_threads(before[0])
        torch.backends.mkldnn.enabled = before[1]


@contextmanager
def lower_precision() -> Iterator[None]:
    """What a program that uses the codec may have asked of torch, for networks of its own."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu"):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def plain_float64(layer: IntegerConv, x: Tensor) -> Tensor:
    """`IntegerConv.forward` as FORMAT.md section 8.1 says it, in one float64 sum per output."""
    x = x.double().clamp(-layer.limit, layer.limit)
    weight, bias = layer.weight.double(), layer.offset.double()
    total = functional.conv2d(x, weight, bias, layer.stride, layer.padding)
    out = rescale(total, layer.shift)
    if layer.activate:
        out = torch.where(out >= 0, out, rescale(out, ACTIVATION_SHIFT))
    return out


@contextmanager
def on_gpu() -> Iterator[None]:
    """All networks on the GPU, whatever device the rest of the decoder runs on."""

    def moved(forward: Callable[..., Tensor]) -> Callable[..., Tensor]:
        return lambda layer, x: forward(layer.cuda(), x.cuda()).cpu()

    with ExitStack() as patches:
        for layer in (IntegerConv, IntegerInverseKlt):
            patches.enter_context(mock.patch.object(layer, "forward", moved(layer.forward)))
        yield


def decode_all(case: str, setting: AbstractContextManager[object], files: list[Path]) -> Row:
    # Models are loaded anew, because their kernels keep the layout that they are made in.
    released.load_file.cache_clear()
    with setting:
        pixels = {path.name: pixels_sha256(decode(path.read_bytes())) for path in files}
    released.load_file.cache_clear()
    return Row(case, torch.__version__, pixels)


def report(rows: list[Row]) -> int:
    """Prints the table; the first row is what all others are compared with."""
    expected, unequal = rows[0], 0
    width = max(len(row.case) for row in rows)
    print(f"{'case':<{width}}  {'torch':<14}{'sha256':<{SHOWN_DIGITS}}  equal")
    for row in rows:
        wrong = [name for name in expected.pixels if row.pixels.get(name) != expected.pixels[name]]
        unequal += bool(wrong)
        verdict = f"NO: {', '.join(wrong)}" if wrong else "yes"
        print(f"{row.case:<{width}}  {row.torch:<14}{row.digest()[:SHOWN_DIGITS]}  {verdict}")
    if not torch.cuda.is_available():
        print("skipped: convolutions on a GPU, there is none")
    print(f"{len(expected.pixels)} files, {len(rows)} cases, {unequal} unequal")
    return int(unequal > 0)


if __name__ == "__main__":
    sys.exit(main())
