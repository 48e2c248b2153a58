"""The searches behind the named techniques: one image -> an UPDATE payload worth trying."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint

import torch
from torch import Tensor

from bitstream.update.levels import UpdatePayload
from bitstream.update.methods import Method
from bitstream.update.subspace import SubspacePayload
from codec.contract.quality import centred
from codec.contract.techniques import Technique
from codec.decoding import update
from codec.decoding.parameters import PARAMETERS
from codec.encoding.deadline import Deadline
from codec.encoding.distortion import Distortion
from codec.encoding.updates.fit import FitTask, fit, fit_trellis
from codec.encoding.updates.last_layer import fit_kernels, fit_low_rank
from codec.encoding.updates.normal import NormalEquations
from codec.encoding.updates.overfit import OverfitTask, overfit
from codec.errors import OptionError
from codec.models.kinds import FilteredModel
from codec.networks.integers import FRACTION_BITS
from codec.networks.units import unit_weight


@dataclass(frozen=True, eq=False)
class SearchTask:
    """One image whose content is coded.

    Attributes:
        model: what decodes.
        normal: equations of the last layer, in picture units.
        unfiltered: integers [1 3 H W], before the post-filter.
        original: float [1 3 h w], pixel values - 128.
        distortion: what errors count.
        half: quality in halves.
        weight: lambda, in bits per `EncodeTask.error`.
        thorough: whether to try several steps.
        device: where gradients are taken.
        on_step: called with the fraction done and the cost in bits.
        deadline: when to stop.
    """

    model: FilteredModel
    normal: NormalEquations
    unfiltered: Tensor
    original: Tensor
    distortion: Distortion
    half: int
    weight: float
    thorough: bool
    device: torch.device
    on_step: Callable[[float, float], None]
    deadline: Deadline

    @property
    def unit_weight(self) -> float:
        """Lambda for errors in picture units, summed over channels."""
        return unit_weight(self.weight)


def search(technique: Technique, task: SearchTask) -> bytes:
    """The UPDATE payload that a technique finds; empty if it finds that none pays."""
    if technique.plugin is not None:
        return _of_plugin(technique.plugin, task)
    method = Method[technique.parameters.upper()]
    found: SubspacePayload | UpdatePayload | None
    if technique.loss is not None:
        found = _descend(technique, technique.loss, task)
    elif method == Method.KERNELS:
        found = fit_kernels(task.normal, task.model.postfilter, task.unit_weight)
    elif method == Method.LOW_RANK:
        found = fit_low_rank(task.normal, task.unit_weight)
    else:
        method, found = _in_subspace(method, task)
    return b"" if found is None else update.pack(method, found, task.model)


def _of_plugin(plugin: EntryPoint, task: SearchTask) -> bytes:
    """What the search of another package finds.  Raises OptionError where it cannot be had."""
    try:
        function = plugin.load()
    except (ImportError, AttributeError) as error:
        raise OptionError(f"update {plugin.name}: {plugin.value} is not there: {error}") from error
    found = function(task)
    if not isinstance(found, bytes):
        raise OptionError(f"update {plugin.name}: {plugin.value} has not returned bytes")
    return found


def _in_subspace(method: Method, task: SearchTask) -> tuple[Method, SubspacePayload | None]:
    """The best levels; a thorough search for plain ones also tries those of a trellis."""
    fit_task = FitTask(task.normal, task.model.subspace, task.model.tables, task.unit_weight)
    plain = fit(fit_task, thorough=task.thorough, deadline=task.deadline, on_step=task.on_step)
    if plain is None:
        return method, None
    found = {Method.SUBSPACE: plain} if method == Method.SUBSPACE else {}
    if method == Method.TRELLIS or task.thorough:
        coded = fit_trellis(fit_task, plain)
        if coded is not None:
            found[Method.TRELLIS] = coded
    best = max(found, key=lambda method: found[method].saving, default=None)
    return (method, None) if best is None else (best, found[best].payload)


def _descend(technique: Technique, loss: str, task: SearchTask) -> UpdatePayload:
    quality = centred(task.half) / 100
    with torch.enable_grad():
        return overfit(
            task.model.search().postfilter.to(task.device),
            PARAMETERS[Method[technique.parameters.upper()]],
            OverfitTask(
                task.unfiltered.to(task.device) / 2**FRACTION_BITS,
                task.original.to(task.device),
                task.distortion.to(task.device),
                torch.full((1, 1, 1, 1), quality, device=task.device),
                task.weight,
                technique.changes == "biases",
                loss,
            ),
            lambda done: task.on_step(done, 0.0),
        )
