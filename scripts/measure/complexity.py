"""What the decoder costs: multiply-accumulates per pixel and parameters, by part.

    python -m scripts measure.complexity
    python -m scripts measure.complexity --content jpeg

Counts every convolution of a content's default model on a 512x512 picture as the format defines it;
the splitting into exact float32 parts (`codec.networks.fixed_point`) is an implementation matter
and left out, and so is what a standard codec does below its post-filter.
"""

from __future__ import annotations

import argparse

import torch
from torch.utils.flop_counter import FlopCounterMode

from codec.contract.contents import CONTENTS
from codec.contract.quality import level_at
from codec.models.released import load_default
from codec.networks.config import FilterConfig, ModelConfig
from codec.networks.learned import Model
from codec.networks.likelihood import hard_rounding
from codec.networks.postfilter import PostFilter
from scripts.measure.experiment import markdown

SIDE_PX = 512
ENCODER = "analysis"
"""The part that no decoder runs."""


@torch.no_grad()
def costs(config: ModelConfig | FilterConfig) -> dict[str, tuple[float, int]]:
    """kMAC per pixel and parameters of each part, and of all that a decoder runs, as "decoder"."""
    picture, level = torch.zeros(1, 3, SIDE_PX, SIDE_PX), level_at(torch.tensor([50.0]))
    # Untrained: what networks cost does not depend on their weights.
    whole = isinstance(config, ModelConfig)
    networks = Model(config) if whole else PostFilter(config)
    with FlopCounterMode(display=False) as counter:
        networks(picture, level, hard_rounding) if whole else networks(picture, level.quality)
    root = type(networks).__name__
    parts = (
        {f"{root}.{name}": part for name, part in networks.named_children()}
        if whole
        else {root: networks}
    )
    found = {}
    for prefix, part in parts.items():
        flops = {
            name: sum(by_kind.values())
            for name, by_kind in counter.flop_counts.items()
            if f"{name}.".startswith(f"{prefix}.")
        }
        # Of modules that were called: a module counts what it calls.
        total = sum(n for name, n in flops.items() if name.rpartition(".")[0] not in flops)
        # Two operations are a multiply-accumulate.
        kmac = total / 2 / SIDE_PX**2 / 1000
        found[prefix.rpartition(".")[2].lower()] = kmac, sum(p.numel() for p in part.parameters())
    run = [cost for name, cost in found.items() if name != ENCODER]
    return found | {"decoder": tuple(map(sum, zip(*run, strict=True)))}


def parts_table(content: str = CONTENTS[0]) -> str:
    """Cost of each part of a content's default model, and of its decoder."""
    found = costs(load_default(content).config)
    rows = [[name, f"{kmac:.2f}", f"{count:,}"] for name, (kmac, count) in found.items()]
    return markdown(["part", "kMAC/pixel", "parameters"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--content", choices=CONTENTS, default=CONTENTS[0])
    print(parts_table(parser.parse_args().content))


if __name__ == "__main__":
    main()
