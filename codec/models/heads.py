"""Names the heads of the lossless networks, each with the subspace of its updates."""

from __future__ import annotations

from torch import Tensor

from codec.models.subspace import Subspace
from codec.networks.lossless.network import Head, Lossless

Subspaces = tuple[Subspace, ...]
"""One for each head, in the order of `heads_of`."""


def heads_of(networks: Lossless) -> list[Head]:
    """The heads of all passes, in the order in which they are coded."""
    return [head for network in networks.passes for head in network.heads]


def head_names(networks: Lossless) -> list[str]:
    """What model files call them."""
    return [
        f"passes.{number}.heads.{channel}"
        for number, network in enumerate(networks.passes)
        for channel in range(len(network.heads))
    ]


def subspaces_of(networks: Lossless, tensors: dict[str, Tensor]) -> Subspaces:
    """From the tensors of a model file."""
    return tuple(Subspace.of_tensors(tensors, f"{name}.update") for name in head_names(networks))
