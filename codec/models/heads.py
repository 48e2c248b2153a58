"""Names the heads of the lossless networks, each with the subspace of its updates."""

from __future__ import annotations

from codec.models.subspace import Subspace, Subspaces
from codec.networks.integers import Arrays
from codec.networks.lossless.shape import CHANNELS, PHASES

HEAD_NAMES = tuple(
    f"passes.{number}.heads.{channel}"
    for number in range(len(PHASES))
    for channel in range(CHANNELS)
)
"""What model files call the heads of all passes, in the order in which they are coded."""


def subspaces_of(arrays: Arrays) -> Subspaces:
    """From the tensors of a model file."""
    return tuple(Subspace.of_arrays(arrays, f"{name}.update") for name in HEAD_NAMES)
