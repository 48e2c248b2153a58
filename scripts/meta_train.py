"""Trains the post-filter so that a small update adapts it well, against plain training.

    python scripts/meta_train.py --data DIR --inner none|gradient|closed --order 1|2 --seconds S

Starts from a released post-filter (JPEG content), trains it for S seconds of processor time, and
reports the error on held-out crops before and after each crop's own update, the update's bits
charged at lambda.  Inner loops:

none      plain training: the crop's error as it is.
gradient  a few steps on scales and biases of all channels, quantised straight through, their bits
          in the loss; the outer gradient is first-order or exact (Finn et al., "Model-agnostic
          meta-learning", ICML 2017; for post-filters: US 11556796 B2, claims 5 to 11).
closed    the ridge solution of the last layer on the crop itself, quantised straight through in the
          model's subspace; the solve is differentiable, so the outer gradient flows into the
          features (Bertinetto et al., "Meta-learning with differentiable closed-form solvers",
          ICLR 2019).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional

from codec import weights
from codec.likelihood import bits as logistic_bits
from codec.likelihood import round_through
from codec.postfilter import KERNEL, PostFilter
from codec.standard import STANDARD
from codec.transform import PIXELS_PER_UNIT
from codec.update.parameters import Scales
from codec.update.penalties import level_bits
from codec.update.subspace import INNER_BITS, OUTER_BITS, Subspace

CROP_PX = 160
TRAIN_CROPS, HELD_OUT = 96, 24
QUALITIES = (20, 35, 50, 70)
LEARNING_RATE = 2e-4
INNER_STEPS, INNER_RATE = 3, 1.0
SCALE_STEP = 2.0**-6
RIDGE = 0.05
STEPS_PER_DEVIATION = 8.0
"""Quantiser of the closed inner loop: steps in the deviation of the error."""
PRIOR_LOG2_SCALE = -1.0


def load_crops(folder: Path, codec: str) -> list[tuple[Tensor, Tensor, Tensor, float]]:
    """(coded, original, quality) in picture units, and lambda in bits per squared error."""
    from PIL import Image

    rng = np.random.default_rng(0)
    files = sorted(folder.rglob("*.jpg"))
    crops = []
    for index in range(TRAIN_CROPS + HELD_OUT):
        with Image.open(files[index * 7 % len(files)]) as image:
            pixels = np.asarray(image.convert("RGB"))
        top, left = (int(rng.integers(side - CROP_PX + 1)) for side in pixels.shape[:2])
        original = np.ascontiguousarray(pixels[top : top + CROP_PX, left : left + CROP_PX])
        quality = QUALITIES[index % len(QUALITIES)]
        standard = STANDARD[codec]
        data = standard.write(original, quality)
        tensors = [
            (torch.from_numpy(p.copy()).permute(2, 0, 1)[None].float() - 128) / PIXELS_PER_UNIT
            for p in (standard.read(data), original)
        ]
        error = float((tensors[0] - tensors[1]).square().sum())
        share = np.log(10) / 10 * standard.db_per_doubling / np.log(2)
        # A crop stands for a picture of 16 times its area, whose update it shares.
        slope = 16 * 8 * len(data) / (share * error)
        level = torch.full((1, 1, 1, 1), quality / 50 - 1)
        crops.append((*tensors, level, float(slope)))
    return crops


class Meta:
    """An adapted filter on one crop, and the loss after it."""

    def __init__(self, subspace: Subspace, inner: str, order: int) -> None:
        self._inner, self._order = inner, order
        self._basis = torch.from_numpy(subspace.inner / 2**INNER_BITS).float()
        self._outer = torch.from_numpy(subspace.outer / 2**OUTER_BITS).float()
        scales = torch.from_numpy(subspace.scales.astype(np.float32)) / 4
        self._scales = scales

    def loss(self, postfilter: PostFilter, crop: tuple, inner: str | None = None) -> Tensor:
        """Bits that the error is worth plus bits of the update, per crop."""
        x, target, quality, slope = crop
        inner = inner or self._inner
        if inner == "none":
            return slope * (postfilter(x, quality) - target).square().sum()
        return (self._gradient if inner == "gradient" else self._closed)(postfilter, crop)

    def _gradient(self, postfilter: PostFilter, crop: tuple) -> Tensor:
        x, target, quality, slope = crop
        parameters = Scales()
        base = dict(postfilter.named_parameters())
        levels = [
            torch.zeros(t.rows, t.columns, requires_grad=True)
            for t in parameters.layout(postfilter)
        ]

        def cost(levels: list[Tensor]) -> Tensor:
            changed = dict(base)
            values = [SCALE_STEP * round_through(level) for level in levels]
            for name, (kernel, bias) in parameters.relaxed(values, postfilter).items():
                changed[f"{name}.weight"] = changed[f"{name}.weight"] + kernel
                changed[f"{name}.bias"] = changed[f"{name}.bias"] + bias
            filtered = functional_call(postfilter, changed, (x, quality))
            error = slope * (filtered - target).square().sum()
            return error + sum(level_bits(level) for level in levels)

        exact = self._order == 2
        for _ in range(INNER_STEPS):
            grads = torch.autograd.grad(cost(levels), levels, create_graph=exact)
            # Normalised steps: the loss is in bits, whose scale differs between crops.
            norm = torch.stack([grad.abs().max() for grad in grads]).max().detach()
            levels = [
                level - INNER_RATE * grad / norm.clamp(min=1e-6)
                for level, grad in zip(levels, grads, strict=True)
            ]
            if not exact:
                levels = [level.detach().requires_grad_() for level in levels]
        return cost(levels)

    def _closed(self, postfilter: PostFilter, crop: tuple) -> Tensor:
        x, target, quality, slope = crop
        features = postfilter.features(x, quality)
        picture = postfilter.combine(x, features)
        errors = functional.pixel_unshuffle(target - picture, 2)[0].flatten(1)
        seen = functional.unfold(features, KERNEL, padding=1)[0]
        seen = torch.cat([seen, seen.new_ones(1, seen.shape[1])])
        coordinates = self._basis.T @ seen
        count = seen.shape[1]
        gram = coordinates @ coordinates.T / count
        cross = coordinates @ errors.T / count @ self._outer.T
        deviation = errors.square().mean().sqrt().detach()
        solution = torch.linalg.solve(gram + RIDGE * torch.eye(len(gram)), cross)
        step = deviation / STEPS_PER_DEVIATION
        levels = solution / step
        # A soft threshold stands for what rate-distortion optimisation leaves out.
        threshold = 1.0
        sent = levels.sign() * (levels.abs() - threshold).clamp(min=0)
        change = step * round_through(sent)
        log2_scale = self._scales + float(np.log2(STEPS_PER_DEVIATION)) - 5
        rate = logistic_bits(sent, log2_scale).sum()
        left = errors - (change @ self._outer).T @ coordinates
        return slope * left.square().sum() + rate


@torch.no_grad()
def report(name: str, meta: Meta, postfilter: PostFilter, crops: list[tuple]) -> None:
    """Mean over held-out crops, in percent of the released filter's unadapted cost."""
    for inner in ("none", "closed", "gradient"):
        with torch.enable_grad():
            costs = [float(meta.loss(postfilter, crop, inner)) for crop in crops]
        print(f"{name:16s} adapted by {inner:9s} {np.mean(np.log(costs)):.5f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--content", default="jpeg")
    parser.add_argument("--inner", choices=("none", "gradient", "closed"), required=True)
    parser.add_argument("--order", type=int, choices=(1, 2), default=1)
    parser.add_argument("--seconds", type=float, default=300)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    released = weights.load_default(args.content)
    postfilter = released.search().postfilter
    crops = load_crops(args.data, args.content)
    train, held_out = crops[:TRAIN_CROPS], crops[TRAIN_CROPS:]
    meta = Meta(released.subspace, args.inner, args.order)
    report("released", meta, postfilter, held_out)
    postfilter.requires_grad_(True)
    optimizer = torch.optim.Adam(postfilter.parameters(), lr=LEARNING_RATE)
    rng = np.random.default_rng(1)
    start, steps = time.process_time(), 0
    while (spent := time.process_time() - start) < args.seconds:
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * (1 - spent / args.seconds)
        optimizer.zero_grad(set_to_none=True)
        for index in rng.integers(len(train), size=4):
            # The logarithm: crops count by their relative cost.
            meta.loss(postfilter, train[index]).log().backward()
        optimizer.step()
        steps += 1
    print(f"{steps} steps")
    postfilter.requires_grad_(False)
    report(f"{args.inner}, order {args.order}", meta, postfilter, held_out)


if __name__ == "__main__":
    main()
