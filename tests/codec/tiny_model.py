"""A small model with fixed weights, so that tests of the format need no trained one.

    python -m tests.codec.tiny_model

writes golden/ anew: the model file, encoded pictures, and the hashes of their decoded pixels.
Do that only when the format changes; see `test_golden`.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from codec.contract.modes import Lossy
from codec.contract.quality import level_at
from codec.models.released import pack_model
from codec.models.subspace import INNER_BITS, OUTER_BITS, Subspace
from codec.networks import tables
from codec.networks.config import FilterConfig, ModelConfig
from codec.networks.context import OUTPUTS
from codec.networks.export import arrays_of, measure_limits, quantize_model
from codec.networks.learned import FilterModel, Model
from codec.networks.likelihood import SHAPES, hard_rounding
from codec.networks.postfilter import HALVES, KERNEL
from codec.networks.units import PIXELS_PER_UNIT

GOLDEN = Path(__file__).parent / "golden"
MODEL_FILE = GOLDEN / "tiny-model.safetensors"
CONFIG = ModelConfig(
    slices=((1, 1), (2,), (1, 2), (3,)),
    context_hidden=10,
    analysis_hidden=4,
    analysis_blocks=(1, 1),
    synthesis_widths=(8, 8, 8, 8),
    synthesis_blocks=(1, 0, 1, 2),
    filter=FilterConfig((8, 6, 4), (1, 1)),
)
LARGEST_RADIUS = 12
"""Short tables: a small file, and escapes in almost every picture."""
GOLDEN_PICTURES = {
    # name: (width, height, quality, effort)
    "odd-grid-update": (45, 37, 92.5, 2),
    "one-pixel": (1, 1, 50.0, 0),
    "coarsest": (33, 16, 0.0, 0),
    "finest-update": (20, 52, 100.0, 1),
}


def picture(width: int, height: int, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth colours with edges and a little noise, in integers only: uint8 [h w 3]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    slopes = rng.integers(-3, 4, (3, 2))
    waves = [(a * x + b * y) % 256 for a, b in slopes]
    boxes = 90 * ((x // 11 + y // 7) % 2)
    pixels = np.stack(waves, -1) // 2 + boxes[..., None] + rng.integers(0, 12, (height, width, 3))
    return np.clip(pixels, 0, 255).astype(np.uint8)


def cosine_basis(channels: int) -> torch.Tensor:
    """The smoothest orthonormal 16x16 patterns, mostly grey: float [channels 768]."""
    n = torch.arange(16) + 0.5
    waves = torch.stack([torch.cos(torch.pi / 16 * k * n) for k in range(4)])
    waves /= waves.norm(dim=1, keepdim=True)
    colours = torch.tensor([[1.0, 1, 1], [1, 0, -1], [1, -2, 1]])
    colours /= colours.norm(dim=1, keepdim=True)
    order = [(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0), (2, 0, 0), (0, 1, 1), (0, 0, 2)]
    order += [(0, 2, 0), (0, 1, 2), (0, 2, 1), (1, 0, 1), (1, 1, 0)]
    rows = [
        torch.einsum("c,y,x->cyx", colours[c], waves[v], waves[u]).flatten() for c, v, u in order
    ]
    return torch.stack(rows[:channels])


def random_model(config: ModelConfig = CONFIG, seed: int = 0) -> Model:
    """Float model: a block transform, and networks of random weights that all matter."""
    torch.manual_seed(seed)
    model = Model(config)
    deviation = 900 / (1 + torch.arange(config.channels))
    randomize(model)
    with torch.no_grad():
        for group in model.context.groups:
            # One strong channel each: too much for one float32 sum, so that sums are split.
            group.mix_own.weight[0] *= 6
            for part in group.slices:
                part.leave.weight[0] *= 8
                # All shapes of tails.
                shapes = part.leave.bias.chunk(OUTPUTS)[-1]
                shapes.add_(torch.arange(len(shapes)) % SHAPES)
        model.start_from_klt(cosine_basis(config.channels), deviation)
    return model.eval().requires_grad_(False)


@torch.no_grad()
def randomize(model: nn.Module) -> None:
    """Gives parameters that start at zero something to do."""
    for name, parameter in model.named_parameters():
        if name.endswith("vector"):
            parameter.normal_(0, 0.3)
        elif name.endswith("bias"):
            parameter.normal_(0, 0.1)
        elif name.endswith(("leave.weight", "join.weight")):
            share = 0.4 if name.startswith("context") else 0.05
            parameter.normal_(0, share / parameter[0].numel() ** 0.5)


def short_tables() -> list[NDArray[np.int64]]:
    """Those of a released model, but that they end at LARGEST_RADIUS."""
    with mock.patch.multiple(tables, TAIL_SCALES=4, LARGEST_RADIUS=LARGEST_RADIUS):
        return tables.latent_tables()


def limits_of(model: Model) -> dict[str, int]:
    """Clamps of the activations, measured on a few pictures."""
    pixels = np.stack([picture(64, 64, seed) for seed in range(4)])
    batch = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() - 128

    def run() -> None:
        for quality in (0.0, 50.0, 100.0):
            model(batch, level_at(torch.full((4,), quality)), hard_rounding)

    return measure_limits(model, run)


def plain_subspace(width: int) -> Subspace:
    """Centres of the kernels and the biases; outputs turned by a Hadamard matrix of each colour.

    In integers only, with scales that differ from each coordinate to the next.
    """
    inputs = 2 * width + HALVES
    features = [*range(KERNEL**2 // 2, inputs * KERNEL**2, KERNEL**2), inputs * KERNEL**2]
    inner = np.zeros((inputs * KERNEL**2 + 1, len(features)), np.int64)
    inner[features, range(len(features))] = 2**INNER_BITS
    # Each coordinate also moves the feature before its own a little.
    inner[features[:-1], range(1, len(features))] = 2 ** (INNER_BITS - 3)
    pairs = np.array([[1, 1], [1, -1]])
    outer = np.kron(np.eye(3, dtype=np.int64), np.kron(pairs, pairs)) << (OUTER_BITS - 1)
    row, column = np.mgrid[: len(features), :HALVES]
    return Subspace(inner, outer, (4 + (5 * row + 3 * column) % 17).astype(np.int16))


def plain_prior(channels: int) -> Subspace:
    """All gains, all offsets, and the gain and the offset of each channel."""
    inner = np.zeros((2 * channels, 2 + 2 * channels), np.int64)
    inner[:channels, 0] = inner[channels:, 1] = 2 ** (INNER_BITS - 2)
    inner[:, 2:] = np.eye(2 * channels, dtype=np.int64) << INNER_BITS
    scales = 4 + np.arange(2 + 2 * channels) % 7
    return Subspace(inner, np.array([[1 << OUTER_BITS]]), scales.astype(np.int16)[:, None])


def tiny_model_file(config: ModelConfig = CONFIG, *, with_prior: bool = True) -> bytes:
    """The bytes of the model file, with updates of the prior or without."""
    model = random_model(config)
    arrays = arrays_of(quantize_model(model, limits_of(model)))
    if with_prior:
        arrays |= plain_prior(config.channels).to_arrays("prior")
    return packed("learned", config, arrays, config.filter)


def tiny_filter_file(content: str) -> bytes:
    """The bytes of a model file for a standard content."""
    torch.manual_seed(0)
    model = FilterModel(CONFIG.filter).requires_grad_(False)
    randomize(model)
    batch = torch.from_numpy(np.stack([picture(64, 64, seed) for seed in range(4)]))
    units = (batch.permute(0, 3, 1, 2).float() - 128) / PIXELS_PER_UNIT
    qualities = torch.linspace(-1, 1, 4).view(4, 1, 1, 1)
    limits = measure_limits(model, lambda: model(units, qualities))
    arrays = arrays_of(quantize_model(model, limits))
    return packed(content, CONFIG.filter, arrays, CONFIG.filter)


def packed(
    content: str,
    config: ModelConfig | FilterConfig,
    arrays: dict[str, NDArray],
    sizes: FilterConfig,
) -> bytes:
    """A model file, completed by a subspace and tables."""
    arrays = arrays | plain_subspace(sizes.widths[0]).to_arrays()
    return pack_model(content, config, arrays, short_tables(), {"license": "Apache-2.0"})


def pixels_hash(pixels: NDArray[np.uint8]) -> str:
    """SHA-256 of the samples in raster order, red, green, blue."""
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


def write_golden() -> None:
    """Writes the model, the pictures and golden/pixels.json."""
    from codec import EncodeOptions, decode, encode
    from codec.models import released

    GOLDEN.mkdir(exist_ok=True)
    MODEL_FILE.write_bytes(tiny_model_file())
    released.available = lambda: {released.file_hash(MODEL_FILE): MODEL_FILE}
    released.load_default = lambda content: released.load_file(MODEL_FILE)
    hashes = {}
    for name, (width, height, quality, effort) in GOLDEN_PICTURES.items():
        options = EncodeOptions(Lossy(quality=quality), effort=effort)
        data = encode(picture(width, height), options).data
        (GOLDEN / f"{name}.bin").write_bytes(data)
        hashes[name] = pixels_hash(decode(data))
    (GOLDEN / "pixels.json").write_text(json.dumps(hashes, indent=2) + "\n")


if __name__ == "__main__":
    write_golden()
