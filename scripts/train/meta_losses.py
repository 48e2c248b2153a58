"""Coded pictures, and losses of a post-filter after it was adapted to one of them.

A loss is the picture's cost: the bits of its content and its update, and what its errors are worth
in bits.  `INNER` has a loss for every way to adapt the filter (the inner loop); its gradient is one
step of the outer loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional

from bitstream import CdfTables
from codec.contract.effort import effort_at
from codec.contract.quality import HALVES, centred
from codec.decoding.parameters import ChannelScales
from codec.encoding.contents.registry import encoder_of
from codec.encoding.task import EncodeTask
from codec.encoding.updates import relaxed as floats
from codec.encoding.updates.fit import FitTask, fit
from codec.encoding.updates.normal import EquationSums, NormalEquations
from codec.encoding.updates.penalties import level_bits
from codec.models.kinds import FilteredModel
from codec.models.subspace import INNER_BITS, OUTER_BITS, Subspace, step_size
from codec.networks.integers import FRACTION_BITS
from codec.networks.likelihood import bits as logistic_bits
from codec.networks.likelihood import round_through
from codec.networks.pictures import from_pixels, pad_to_multiple
from codec.networks.postfilter import KERNEL, PostFilter
from codec.networks.units import PIXELS_PER_UNIT, unit_weight

PICTURE_PX = 512
"""Largest side; an update has to pay for itself on that."""
GRADIENT_STEPS, GRADIENT_RATE = 3, 1.0
SCALE_STEP = 2.0**-6
RIDGE = 0.05
STEPS_PER_DEVIATION = 8.0
"""Quantiser of the relaxed inner loop: steps in the deviation of the error."""
RELAXED_PRIOR = -5.0 + np.log2(STEPS_PER_DEVIATION)


def normal_equations(features: Tensor, errors: Tensor) -> NormalEquations:
    """Sums the equations of a whole picture.

    Args:
        features: float [1 c h w], inputs of the last layer, zero beyond the border.
        errors: float [1 m h' w'], as `EquationSums.add` takes them.
    """
    sums = EquationSums(features.shape[1], errors.shape[1])
    sums.add(functional.pad(features, (1, 1, 1, 1)), errors)
    return sums.total()


@dataclass(frozen=True, eq=False)
class CodedPicture:
    """A picture as it reaches the post-filter.

    Attributes:
        unfiltered: int16 [1 3 H W], with FRACTION_BITS fractional bits.
        original: float [1 3 h w], picture units.
        quality: float [1 1 1 1] in [-1, 1].
        slope: lambda, in bits per squared error (picture units), summed.
        bits: of its content.
    """

    unfiltered: Tensor
    original: Tensor
    quality: Tensor
    slope: float
    bits: int

    @property
    def x(self) -> Tensor:
        """float [1 3 H W], picture units."""
        return self.unfiltered.float() / 2**FRACTION_BITS

    def errors(self, postfilter: PostFilter, features: Tensor) -> Tensor:
        """Original minus filtered picture at half resolution: float [1 12 h/2 w/2]."""
        target = pad_to_multiple(self.original, 2)
        filtered = postfilter.combine(self.x, features)
        height, width = target.shape[2:]
        return functional.pixel_unshuffle(target - filtered[:, :, :height, :width], 2)

    @torch.no_grad()
    def normal(self, postfilter: PostFilter) -> NormalEquations:
        """Equations of the last layer."""
        features = postfilter.features(self.x, self.quality)
        return normal_equations(features, self.errors(postfilter, features))


@torch.no_grad()
def code_pictures(
    model: FilteredModel, pictures: Sequence[Tensor], seed: int
) -> list[CodedPicture]:
    """Codes pictures (uint8 [3 h w], cropped to PICTURE_PX) at random qualities."""
    rng = np.random.default_rng(seed)
    coded = []
    for picture in pictures:
        pixels = picture[:, :PICTURE_PX, :PICTURE_PX].permute(1, 2, 0).contiguous().numpy()
        half = int(rng.integers(HALVES // 20, HALVES - HALVES // 20 + 1))
        original = from_pixels(pixels)
        cpu = torch.device("cpu")
        task = EncodeTask(
            pixels, original, half, model, effort_at(0), cpu, lambda stage, fraction: None
        )
        content = encoder_of(task).encode()
        coded.append(
            CodedPicture(
                content.unfiltered.short(),
                original / PIXELS_PER_UNIT,
                torch.full((1, 1, 1, 1), centred(half) / 100),
                unit_weight(content.weight),
                8 * len(content.payload),
            )
        )
    return coded


@dataclass(frozen=True, eq=False)
class Prior:
    """What an update of the last layer is coded with, as the model would ship it."""

    subspace: Subspace
    tables: CdfTables


Inner = Callable[[PostFilter, CodedPicture, Prior], Tensor]


def plain(postfilter: PostFilter, picture: CodedPicture, _prior: Prior) -> Tensor:
    """No inner loop: the cost without an update."""
    features = postfilter.features(picture.x, picture.quality)
    return picture.bits + picture.slope * picture.errors(postfilter, features).square().sum()


def exact(postfilter: PostFilter, picture: CodedPicture, prior: Prior) -> Tensor:
    """The very update that the encoder would send.

    It minimises the cost, so that the cost's derivative is that with the update held fixed (the
    envelope theorem): the first-order gradient is the exact one, quantiser and rate included.
    """
    features = postfilter.features(picture.x, picture.quality)
    errors = picture.errors(postfilter, features)
    normal = normal_equations(features.detach(), errors.detach())
    task = FitTask(normal, prior.subspace, prior.tables, picture.slope)
    fitted = fit(task, thorough=False)
    if fitted is None:
        return picture.bits + picture.slope * errors.square().sum()
    payload, subspace = fitted.payload, prior.subspace
    inner, outer = subspace.inner / 2**INNER_BITS, subspace.outer / 2**OUTER_BITS
    change = step_size(payload.step) * (inner @ payload.levels @ outer)
    rate = picture.slope * normal.gain(change) - fitted.saving
    layer = postfilter.leave.weight
    kernel = torch.from_numpy(change[:-1].T.reshape(layer.shape)).float()
    moved = functional.conv2d(
        features, kernel, torch.from_numpy(change[-1]).float(), padding=KERNEL // 2
    )
    left = errors - moved[:, :, : errors.shape[2], : errors.shape[3]]
    return picture.bits + rate + picture.slope * left.square().sum()


def relaxed(postfilter: PostFilter, picture: CodedPicture, prior: Prior) -> Tensor:
    """The ridge solution, quantised straight through: the outer gradient flows into the solve.

    Bertinetto et al., "Meta-learning with differentiable closed-form solvers" (ICLR 2019).
    """
    features = postfilter.features(picture.x, picture.quality)
    errors = picture.errors(postfilter, features)[0].flatten(1)
    height, width = picture.original.shape[2:]
    seen = functional.unfold(features, KERNEL, padding=1)[0]
    seen = seen.view(len(seen), *features.shape[2:])
    seen = seen[:, : (height + 1) // 2, : (width + 1) // 2].flatten(1)
    seen = torch.cat([seen, seen.new_ones(1, seen.shape[1])])
    basis = torch.from_numpy(prior.subspace.inner / 2**INNER_BITS).float()
    outer = torch.from_numpy(prior.subspace.outer / 2**OUTER_BITS).float()
    coordinates = basis.T @ seen
    gram = coordinates @ coordinates.T / seen.shape[1]
    cross = coordinates @ errors.T / seen.shape[1] @ outer.T
    solution = torch.linalg.solve(gram + RIDGE * torch.eye(len(gram)), cross)
    step = errors.square().mean().sqrt().detach() / STEPS_PER_DEVIATION
    levels = solution / step
    # A soft threshold stands for what rate-distortion optimisation leaves out.
    sent = levels.sign() * (levels.abs() - 1).clamp(min=0)
    scales = torch.from_numpy(prior.subspace.scales.astype(np.float32)) / 4
    rate = logistic_bits(sent, scales + RELAXED_PRIOR).sum()
    left = errors - (step * round_through(sent) @ outer).T @ coordinates
    return picture.bits + rate + picture.slope * left.square().sum()


def gradient(
    postfilter: PostFilter, picture: CodedPicture, _prior: Prior, *, second_order: bool
) -> Tensor:
    """A few steps on scales and biases of all channels, their bits in the loss.

    Finn et al., "Model-agnostic meta-learning" (ICML 2017); for post-filters US 11556796 B2,
    claims 5 to 11.
    """
    parameters, base = ChannelScales(), dict(postfilter.named_parameters())
    levels = [
        torch.zeros(tensor.rows, tensor.columns, requires_grad=True)
        for tensor in parameters.layout(postfilter)
    ]
    height, width = picture.original.shape[2:]

    def cost(levels: list[Tensor]) -> Tensor:
        changed = dict(base)
        values = [SCALE_STEP * round_through(level) for level in levels]
        for name, (kernel, bias) in floats.relaxed(parameters, values, postfilter).items():
            changed[f"{name}.weight"] = changed[f"{name}.weight"] + kernel
            changed[f"{name}.bias"] = changed[f"{name}.bias"] + bias
        filtered = functional_call(postfilter, changed, (picture.x, picture.quality))
        errors = filtered[:, :, :height, :width] - picture.original
        rate = torch.stack([level_bits(level) for level in levels]).sum()
        return picture.bits + rate + picture.slope * errors.square().sum()

    for _ in range(GRADIENT_STEPS):
        slopes = torch.autograd.grad(cost(levels), levels, create_graph=second_order)
        # Normalised: the loss is in bits, whose scale differs between pictures.
        norm = torch.stack([slope.abs().max() for slope in slopes]).max().detach()
        levels = [
            level - GRADIENT_RATE * slope / norm.clamp(min=1e-6)
            for level, slope in zip(levels, slopes, strict=True)
        ]
        if not second_order:
            levels = [level.detach().requires_grad_() for level in levels]
    return cost(levels)


INNER: dict[str, Inner] = {
    "plain": plain,
    "exact": exact,
    "relaxed": relaxed,
    "gradient, first order": lambda f, p, q: gradient(f, p, q, second_order=False),
    "gradient, second order": lambda f, p, q: gradient(f, p, q, second_order=True),
}
"""Inner loops by name."""
