"""One weight update for a set of pictures: its bytes are written once.

The squared error of every picture is a quadratic in the change of the last layer, so the best
common change needs no more than the sum of their normal equations, each weighted by its lambda.  A
picture that does better with an update of its own, or with none, gets that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce

import torch

from bitstream import InvalidField
from bitstream.update.methods import Method, reference
from bitstream.update.shared import SharedUpdate
from codec.contract.options import EncodeOptions
from codec.contract.quality import centred
from codec.contract.report import OnProgress
from codec.decoding import update
from codec.decoding.filtering import Filtering
from codec.encoding.adapt import adapt, applied, distortion_scaled, normal_equations
from codec.encoding.contents.registry import encoder_of
from codec.encoding.frame import Told
from codec.encoding.lossy import coded_as, prepare
from codec.encoding.task import Adapted, EncodeTask
from codec.encoding.updates.fit import FitTask, fit
from codec.encoding.updates.normal import NormalEquations
from codec.errors import OptionError
from codec.networks.postfilter import PostFilter
from codec.networks.twins import changed
from codec.networks.units import unit_weight
from codec.picture.reading import Raster

FEWEST = 2
"""Pictures that share an update: one alone has it in its own file."""


@dataclass(frozen=True, eq=False)
class Common:
    """An update file, and the filter that it makes."""

    data: bytes
    postfilter: PostFilter


@dataclass(frozen=True, eq=False)
class Chosen:
    """What each picture of a set is coded with.

    Attributes:
        update: the update file, empty for none.
        pictures: one for each task.
    """

    update: bytes
    pictures: tuple[Adapted, ...]

    @property
    def cost(self) -> float:
        """Of all files, see `Adapted`."""
        return 8 * len(self.update) + sum(adapted.cost for adapted in self.pictures)

    @property
    def sharing(self) -> list[int]:
        """The pictures that use the update file."""
        payload = reference(self.update)
        return [n for n, adapted in enumerate(self.pictures) if adapted.payload == payload]


def encode(
    rasters: Sequence[Raster], options: EncodeOptions, on_progress: OnProgress | None = None
) -> Told:
    """Encodes pictures so that those that gain by it share one update.

    Args:
        rasters: at least two pictures, and what their files are to hold besides.
        options: for all of them.
        on_progress: called with the number and stage of a picture, and the fraction of the stage
            that is done.

    Raises:
        OptionError: there is but one picture, or an option is about one alone.
    """
    if len(rasters) < FEWEST:
        raise OptionError("a shared update needs several pictures")
    mode = options.lossy_set()
    tasks = [
        prepare(raster, options, mode, on_progress and partial(_numbered, on_progress, number))
        for number, raster in enumerate(rasters, start=1)
    ]
    chosen = cheapest_set(tasks)
    coded = tuple(coded_as(*pair) for pair in zip(tasks, chosen.pictures, strict=True))
    return Told(coded, chosen.update, len(chosen.sharing))


def cheapest_set(tasks: Sequence[EncodeTask]) -> Chosen:
    """What `lossy.search` does for one picture: contents, filters, contents for these filters.

    Args:
        tasks: pictures of one model and effort.
    """
    contents = [encoder_of(task).encode() for task in tasks]
    tasks = [distortion_scaled(*pair) for pair in zip(tasks, contents, strict=True)]
    alone = [adapt(*pair) for pair in zip(tasks, contents, strict=True)]
    best = share(tasks, alone)
    for number in range(tasks[0].effort.rounds):
        triples = zip(tasks, alone, best.pictures, strict=True)
        alone = [_refined(*triple, number) for triple in triples]
        best = min(best, share(tasks, alone), key=lambda chosen: chosen.cost)
    return best


def share(tasks: Sequence[EncodeTask], alone: Sequence[Adapted]) -> Chosen:
    """The cheapest choice of contents that are coded: who shares what update, if any pays.

    The update is fitted to all pictures, then again to those alone that do use it, and so on: a
    picture that is unlike the others spoils it for them.

    Args:
        tasks: pictures of one model.
        alone: what each has without sharing.
    """
    best = Chosen(b"", tuple(alone))
    normals = [_in_bits(*pair) for pair in zip(tasks, alone, strict=True)]
    users = list(range(len(tasks)))
    while len(users) >= FEWEST:
        common = _fitted(tasks[0], [normals[user] for user in users])
        if common is None:
            break
        pairs = zip(tasks, alone, strict=True)
        pictures = tuple(_cheaper(own, _with(task, common, own)) for task, own in pairs)
        found = Chosen(common.data, pictures)
        if found.cost < best.cost and len(found.sharing) >= FEWEST:
            best = found
        staying = [user for user in users if user in found.sharing]
        if staying == users:
            break
        users = staying
    return best


def _refined(task: EncodeTask, own: Adapted, now: Adapted, number: int) -> Adapted:
    """What a picture has alone if its content is refined for the filter that it has now."""
    again = encoder_of(task).refined(now, number)
    return own if again is None else _cheaper(own, adapt(task, again))


def _cheaper(first: Adapted, second: Adapted) -> Adapted:
    return min(first, second, key=lambda adapted: adapted.cost)


def _fitted(task: EncodeTask, normals: Sequence[NormalEquations]) -> Common | None:
    """The update for pictures of the model of `task`; None if none gains."""
    model = task.model
    fitted = fit(
        FitTask(reduce(NormalEquations.plus, normals), model.subspace, model.tables, 1.0),
        thorough=True,
    )
    if fitted is None:
        return None
    payload = update.pack(Method.SUBSPACE, fitted.payload, model)
    try:
        postfilter = changed(model.postfilter, update.apply(payload, model))
    except InvalidField:  # the search left the range that updates may have
        return None
    return Common(SharedUpdate(model.id, payload).pack(), postfilter)


@torch.no_grad()
def _in_bits(task: EncodeTask, own: Adapted) -> NormalEquations:
    """The normal equations of a picture, with errors in bits."""
    quality = centred(task.half)
    filtering = Filtering(own.content.unfiltered, task.model.postfilter, quality)
    normal = normal_equations(task, filtering, own.base)
    return normal.times(unit_weight(own.content.weight))


@torch.no_grad()
def _with(task: EncodeTask, common: Common, own: Adapted) -> Adapted:
    """A picture with the shared update."""
    model, content = task.model, own.content
    filtering = Filtering(content.unfiltered, model.postfilter, centred(task.half))
    payload = reference(common.data)
    together = applied(task, content, payload, common.postfilter, filtering)
    return replace(together, base=own.base)


def _numbered(on_progress: OnProgress, number: int, stage: str, fraction: float) -> None:
    on_progress(f"picture {number}: {stage}", fraction)
