"""Proves that this machine computes the networks exactly, before anything is decoded with them.

`codec.networks.fixed_point` proves that float32 and float64 hold all sums of its integers.  That
the kernels which compute them are of that precision is the machine's affair: there are platforms
that round the inputs of convolutions to bfloat16 or TF32, where a program or its user allows it or
a library thinks so.  Their pictures have other pixels, and nothing else shows it.

So a layer of each class of a model is given numbers that use all bits of its range, with the
weights that it has, and its sums are compared with those of NumPy's float64.  That takes some 3 ms.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from codec.networks.fixed_point import IntegerConv, IntegerInverseKlt
from codec.networks.integers import VALUE_LIMIT
from codec.networks.isolation import isolated

ROWS, COLUMNS = 4, 12
"""Of the sums that are compared: kernels for whole vectors run, and those for what is left."""
MOST_GROUPS, MOST_OUTPUTS = 2, 64
"""Of a layer, and of each group: more of them run through the same kernels."""
VECTOR = 16
"""Numbers of channels that are multiples have kernels of their own."""
KLT_POSITIONS = 2


class InexactError(Exception):
    """A layer gives another sum than its integers have; the message names it."""


@isolated()
@torch.no_grad()
def prove(network: nn.Module) -> None:
    """Compares one layer of each class with its exact sums.

    Raises:
        InexactError: they differ.
    """
    rng = np.random.default_rng(0)
    for name, layer in _one_of_each_class(network):
        if isinstance(layer, IntegerConv):
            exact = _conv_is_exact(layer, rng)
        else:
            exact = _klt_is_exact(layer, rng)
        if not exact:
            raise InexactError(name)


def settings() -> Hashable:
    """What selects the kernels on a machine: a proof holds while these stay as they are."""
    mkldnn = torch.backends.mkldnn
    return (
        torch.get_num_threads(),
        mkldnn.enabled,
        mkldnn.conv.fp32_precision,  # type: ignore[attr-defined]  # set at run time
        mkldnn.matmul.fp32_precision,  # type: ignore[attr-defined]
        torch.get_float32_matmul_precision(),
        functional.conv2d,  # which a program may have wrapped
    )


def _one_of_each_class(network: nn.Module) -> Iterator[tuple[str, IntegerConv | IntegerInverseKlt]]:
    """The first layers of their class, which is what selects a kernel."""
    seen: set[Hashable] = set()
    for name, layer in network.named_modules():
        if isinstance(layer, IntegerConv):
            outputs, inputs, size, _ = layer.kernels.shape
            groups = layer.split.groups
            whole = inputs % VECTOR == 0, outputs // groups % VECTOR == 0
            kind: Hashable = (size, layer.stride, groups > 1, *whole)
        elif isinstance(layer, IntegerInverseKlt):
            kind = IntegerInverseKlt
        else:
            continue
        if kind not in seen:
            seen.add(kind)
            yield name, layer


def _conv_is_exact(layer: IntegerConv, rng: np.random.Generator) -> bool:
    """The parts of a convolution, before they are added: there no rounding hides an error."""
    kernels = layer.kernels.unflatten(0, (layer.split.groups, -1))[:MOST_GROUPS, :MOST_OUTPUTS]
    groups, outputs, inputs, size, _ = kernels.shape
    step = layer.stride
    rows, columns = (step * (count - 1) + size for count in (ROWS, COLUMNS))
    shape = (1, groups * inputs, rows, columns)
    x = rng.integers(-layer.limit, layer.limit, shape, endpoint=True).astype(np.float32)
    channels_last = torch.channels_last
    found = functional.conv2d(
        torch.from_numpy(x).contiguous(memory_format=channels_last),
        kernels.flatten(0, 1).contiguous(memory_format=channels_last),
        None,
        step,
        groups=groups,
    )
    # In float64, which holds all these integers, and not by torch.
    windows = np.lib.stride_tricks.sliding_window_view(
        x[0].astype(np.float64), (size, size), (1, 2)
    )
    windows = windows[:, ::step, ::step].transpose(0, 3, 4, 1, 2)
    columns_of = windows.reshape(groups, inputs * size * size, ROWS * COLUMNS)
    exact = kernels.double().numpy().reshape(groups, outputs, -1) @ columns_of
    return np.array_equal(found.numpy().ravel(), exact.ravel())


def _klt_is_exact(layer: IntegerInverseKlt, rng: np.random.Generator) -> bool:
    """The matrix product in float64, against one of integers."""
    basis = layer.basis[:MOST_OUTPUTS]
    shape = (basis.shape[1], KLT_POSITIONS)
    y = rng.integers(-VALUE_LIMIT, VALUE_LIMIT, shape, endpoint=True)
    found = torch.matmul(basis, torch.from_numpy(y).double()).numpy()
    return np.array_equal(found, basis.numpy().astype(np.int64) @ y)
