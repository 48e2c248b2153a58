"""A trained content network -> the next one with the same weights, and new branches of zeros.

What the grown network computes is what the trained one does, but for the two coarse groups, whose
four phases become two, and a small weight of the wide logistic (`scripts.next.likelihood`).
"""

from __future__ import annotations

import torch

from codec.networks import learned as released
from scripts.next.model import Model

RELEASED_OUTPUTS = 2
"""Of the released context networks for each latent: mean, log2 of the scale."""


@torch.no_grad()
def grow(model: Model, old: released.Model) -> None:
    """Gives a new model the weights of an old one.

    Args:
        model: the sizes that both have are equal; its last layers of new branches are zero.
        old: float networks.
    """
    state = old.state_dict()
    for index, group in enumerate(model.context.groups):
        name = f"context.groups.{index}"
        weight, bias = state.pop(f"{name}.leave.weight"), state.pop(f"{name}.leave.bias")
        for part, start, stop in zip(group.slices, group.bounds, group.bounds[1:], strict=False):
            for output in range(RELEASED_OUTPUTS):
                size, first = stop - start, output * (len(bias) // RELEASED_OUTPUTS)
                old_rows = slice(first + start - group.bounds[0], first + stop - group.bounds[0])
                new_rows = slice(output * size, (output + 1) * size)
                part.leave.weight[new_rows] = weight[old_rows]
                part.leave.bias[new_rows] = bias[old_rows]
    model.load_state_dict(model.state_dict() | state)
