"""The kinds of released models, as their files hold them.

What decodes are the integers of a file.  The networks in torch, exact ones and those that search,
are made of them when they are asked for.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from bitstream import CdfTables
from codec.contract.quality import IntegerLevel
from codec.errors import ModelError
from codec.models.subspace import Subspace, Subspaces
from codec.networks.config import FilterConfig, LosslessConfig, ModelConfig
from codec.networks.integers import Arrays, FilterLayers

if TYPE_CHECKING:
    from codec.networks.learned import FilterModel, Model
    from codec.networks.lossless.corrector import Correctors
    from codec.networks.lossless.network import LosslessNetworks
    from codec.networks.postfilter import PostFilter
    from codec.networks.twins import Tensors


@dataclass(frozen=True, eq=False)
class ModelFile:
    """A model file in memory.

    Attributes:
        name: of its folder.
        id: what files call it.
        content: the codec that makes its content: "learned", "jpeg", "webp", "avif",
            "compressai" or "lossless".
        arrays: all tensors of the file but the probability tables.
        tables: probability tables.
    """

    name: str
    id: bytes
    content: str
    arrays: Arrays
    tables: CdfTables

    @cached_property
    def tensors(self) -> Tensors:
        """The arrays for torch."""
        import torch

        return {name: torch.from_numpy(array.copy()) for name, array in self.arrays.items()}


@dataclass(frozen=True, eq=False)
class FilteredModel(ModelFile):
    """A model with a post-filter, which finishes the pictures of a content.

    Attributes:
        config: sizes of the networks.
        subspace: where updates of the post-filter live.
    """

    config: ModelConfig | FilterConfig
    subspace: Subspace

    @cached_property
    def networks(self) -> Model | FilterModel:
        """The exact decoder in torch, its bounds proven."""
        from codec.networks.isolation import isolated
        from codec.networks.twins import build_integer

        with isolated():
            return build_integer(self.config, self.tensors)

    @property
    def postfilter(self) -> PostFilter:
        """The base filter in torch, in integers."""
        return self.networks.postfilter

    @cached_property
    def filter_layers(self) -> FilterLayers:
        """The layers of the base filter that an update may change."""
        return FilterLayers.of_arrays(self.arrays)

    @property
    def filter_config(self) -> FilterConfig:
        """Sizes of the post-filter."""
        return self.config.filter if isinstance(self.config, ModelConfig) else self.config

    @property
    def multiple(self) -> int:
        """Sides of the post-filter's pictures are multiples of this."""
        return self.filter_config.multiple

    @cached_property
    def _floats(self) -> Model | FilterModel:
        from codec.networks.isolation import isolated
        from codec.networks.twins import build_float

        with isolated():
            return build_float(self.config, self.tensors)

    def search(self) -> Model | FilterModel:
        """A float model of one's own with the same weights, for gradients."""
        return copy.deepcopy(self._floats)


@dataclass(frozen=True, eq=False)
class LearnedModel(FilteredModel):
    """The networks of the learned content, with their post-filter.

    Attributes:
        prior: where updates of the prior live; None if the model has none.
    """

    config: ModelConfig
    prior: Subspace | None = None

    if TYPE_CHECKING:

        @cached_property
        def networks(self) -> Model: ...

        def search(self) -> Model: ...

    def level(self, half: int) -> IntegerLevel:
        """Quality in halves (0..200) -> the integers that the decoder uses for it."""
        step, reciprocal, log2_step = self.arrays["levels"][half].tolist()
        return IntegerLevel(half - 100, step, reciprocal, log2_step)


@dataclass(frozen=True, eq=False)
class LosslessModel(ModelFile):
    """The networks of the lossless mode.

    Attributes:
        config: sizes of the networks.
        subspaces: where updates live, one for each head.
    """

    config: LosslessConfig
    subspaces: Subspaces

    @cached_property
    def networks(self) -> LosslessNetworks:
        """The exact predictor in torch, its bounds proven."""
        from codec.networks.isolation import isolated
        from codec.networks.lossless import twins

        with isolated():
            return twins.build_exact(self.config, self.tensors)

    @cached_property
    def correctors(self) -> Correctors:
        """The networks that correct predictions, their bounds proven."""
        from codec.networks.lossless.corrector import correctors_of

        return correctors_of(self.arrays)


ReleasedModel = FilteredModel | LosslessModel
Kind = TypeVar("Kind", FilteredModel, LearnedModel, LosslessModel)


def as_kind(model: ReleasedModel, kind: type[Kind]) -> Kind:
    """Returns a model that must be of a kind.

    Raises:
        ModelError: it is of another, so that whoever entered it as the default was mistaken.
    """
    if not isinstance(model, kind):
        raise ModelError(f"model {model.name} is for {model.content} content")
    return model
