"""What the decoder costs: multiply-accumulates per pixel and parameters, by part.

    python scripts/complexity.py

Counts every convolution of the released model on a 512x512 picture as the format defines it; the
splitting into exact float32 parts (`codec.fixed_point`) is an implementation matter and left out.
"""

from __future__ import annotations

from collections import Counter

import torch
from torch import nn

from codec import weights
from codec.layers import Conv
from codec.likelihood import hard_rounding
from codec.quality import level_at
from codec.transform import InverseKlt

SIDE_PX = 512


def main() -> None:
    released = weights.load_default()
    model = released.search()
    macs: Counter[str] = Counter()

    def count(name: str, module: nn.Module) -> None:
        def hook(_: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
            weight = module.weight if isinstance(module, Conv) else module.basis
            # One weight is used once per output position, be it of a picture or of a block.
            positions = inputs[0][0, 0].numel() if isinstance(module, InverseKlt) else None
            positions = positions or output.shape[0] * output[0, 0].numel()
            macs[name.split(".")[0]] += weight.numel() * positions

        module.register_forward_hook(hook)

    for name, module in model.named_modules():
        if isinstance(module, Conv | InverseKlt):
            count(name, module)
    with torch.no_grad():
        model(torch.zeros(1, 3, SIDE_PX, SIDE_PX), level_at(torch.tensor([50.0])), hard_rounding)

    print(f"model {released.name}, id {released.id.hex()}")
    print(f"{'part':12s}{'kMAC/pixel':>12s}{'parameters':>12s}")
    total = Counter()
    for part in ("context", "synthesis", "postfilter", "analysis"):
        module = model.get_submodule(part)
        row = {
            "macs": macs[part] / SIDE_PX**2 / 1000,
            "parameters": sum(p.numel() for p in module.parameters()),
        }
        print(f"{part:12s}{row['macs']:12.2f}{row['parameters']:12,}")
        if part != "analysis":
            total.update(row)
    print(f"{'decoder':12s}{total['macs']:12.2f}{total['parameters']:12,}")


if __name__ == "__main__":
    main()
