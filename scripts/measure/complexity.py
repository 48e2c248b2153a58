"""What the decoder costs: multiply-accumulates per pixel and parameters, by part.

    python -m scripts measure.complexity
    python -m scripts measure.complexity --content jpeg

Counts every convolution of a content's default model on a 512x512 picture as the format defines it;
the splitting into exact float32 parts (`codec.networks.fixed_point`) is an implementation matter
and left out, and so is what a standard codec does below its post-filter.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass

import torch
from torch import nn

from codec.contract.modes import CONTENTS
from codec.contract.quality import level_at
from codec.models.released import load_default
from codec.networks.layers import Conv
from codec.networks.learned import Model, ModelConfig
from codec.networks.likelihood import hard_rounding
from codec.networks.postfilter import FilterConfig, PostFilter
from codec.networks.transform import InverseKlt

SIDE_PX = 512
ENCODER = "analysis"
"""The part that no decoder runs."""
DECODER = "decoder"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--content", choices=CONTENTS, default=CONTENTS[0])
    released = load_default(parser.parse_args().content)
    print(f"model {released.name}, id {released.id.hex()}")
    print(f"{'part':12s}{'kMAC/pixel':>12s}{'parameters':>12s}")
    for name, cost in costs(parts_of(released.config)).items():
        print(f"{name:12s}{cost.kmac:12.2f}{cost.parameters:12,}")


@dataclass(frozen=True)
class Cost:
    """Thousands of multiply-accumulates per pixel, and how many parameters."""

    kmac: float
    parameters: int


def costs(parts: nn.Module) -> dict[str, Cost]:
    """Of each part, and of all those that a decoder runs, as DECODER."""
    macs = count_macs(parts)
    found = {
        name: Cost(macs[name] / SIDE_PX**2 / 1000, sum(p.numel() for p in part.parameters()))
        for name, part in parts.named_children()
    }
    run = [cost for name, cost in found.items() if name != ENCODER]
    total = Cost(sum(cost.kmac for cost in run), sum(cost.parameters for cost in run))
    return found | {DECODER: total}


def parts_of(config: ModelConfig | FilterConfig) -> nn.Module:
    """Untrained networks of the sizes of a model: cost does not depend on the weights."""
    if isinstance(config, ModelConfig):
        return Model(config)
    return nn.ModuleDict({"postfilter": PostFilter(config)})


@torch.no_grad()
def count_macs(parts: nn.Module) -> Counter[str]:
    """Multiply-accumulates of each part, for one picture of SIDE_PX by SIDE_PX."""
    macs: Counter[str] = Counter()

    def count(name: str, module: Conv | InverseKlt) -> None:
        def hook(_: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
            weight = module.weight if isinstance(module, Conv) else module.basis
            # One weight is used once per output position, be it of a picture or of a block.
            positions = inputs[0][0, 0].numel() if isinstance(module, InverseKlt) else None
            positions = positions or output.shape[0] * output[0, 0].numel()
            macs[name.split(".")[0]] += weight.numel() * positions

        module.register_forward_hook(hook)

    for name, module in parts.named_modules():
        if isinstance(module, Conv | InverseKlt):
            count(name, module)
    picture, level = torch.zeros(1, 3, SIDE_PX, SIDE_PX), level_at(torch.tensor([50.0]))
    if isinstance(parts, Model):
        parts(picture, level, hard_rounding)
    else:
        parts["postfilter"](picture, level.quality)
    return macs


if __name__ == "__main__":
    main()
