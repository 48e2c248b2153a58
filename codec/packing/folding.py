"""Batch norms folded into the convolutions before them.

A norm is every name P with the tensors P.running_mean, P.running_var, P.weight and P.bias. Its
convolution is, by the naming habits of PyTorch, the name P with the last `bn` of its last part
replaced by `conv` (`layer1.0.bn2`: `layer1.0.conv2`), or, if that part is a number, the number
before (`features.1`: `features.0`). Its output is scaled by a = P.weight / sqrt(P.running_var +
1e-5) per channel:

    conv.weight * a   and   conv.bias = (bias of the convolution, or 0) * a + P.bias - mean * a

take the place of both. The tensors of the norm are dropped: the folded network has none.
"""

from __future__ import annotations

import numpy as np

from codec.errors import WeightsError
from codec.packing.checkpoint import Checkpoint, StoredTensor

EPSILON = 1e-5
"""PyTorch's default."""
PARTS = ("running_mean", "running_var", "weight", "bias")


def fold_batch_norms(checkpoint: Checkpoint) -> Checkpoint:
    """Folds every batch norm.

    Raises:
        WeightsError: there is none, or one has no convolution of its number of channels.
    """
    tensors = dict(checkpoint.tensors)
    suffix = ".running_mean"
    norms = [name.removesuffix(suffix) for name in tensors if name.endswith(suffix)]
    if not norms:
        raise WeightsError("has no batch norm to fold")
    for norm in norms:
        _fold(tensors, norm)
    return Checkpoint(tensors, checkpoint.notes)


def _fold(tensors: dict[str, StoredTensor], norm: str) -> None:
    found = (tensors.get(f"{norm}.{part}") for part in PARTS)
    stored = [tensor for tensor in found if tensor is not None]
    if len(stored) < len(PARTS):
        raise WeightsError(f"the batch norm {norm!r} does not have the tensors {', '.join(PARTS)}")
    mean, variance, weight, bias = (tensor.values() for tensor in stored)
    conv = _convolution(norm)
    kernel = tensors.get(f"{conv}.weight")
    if kernel is None or len(kernel.shape) < 2 or kernel.shape[0] != len(mean):
        raise WeightsError(f"the batch norm {norm!r} has no convolution {conv!r} of its channels")
    scale = weight / np.sqrt(variance + EPSILON)
    old = tensors.get(f"{conv}.bias")
    shift = bias + ((0 if old is None else old.values()) - mean) * scale
    folded = kernel.values().reshape(len(mean), -1) * scale[:, None]
    tensors[f"{conv}.weight"] = StoredTensor.of(folded, kernel.dtype, kernel.shape)
    tensors[f"{conv}.bias"] = StoredTensor.of(shift, kernel.dtype, (len(mean),))
    for part in (*PARTS, "num_batches_tracked"):
        tensors.pop(f"{norm}.{part}", None)


def _convolution(norm: str) -> str:
    """The name of the convolution before a batch norm."""
    head, dot, last = norm.rpartition(".")
    if last.isdecimal():
        return f"{head}{dot}{int(last) - 1}"
    before, _, after = last.rpartition("bn")
    return f"{head}{dot}{before}conv{after}"
