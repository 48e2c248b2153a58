"""The kinds of released models, as their files hold them."""

from __future__ import annotations

from dataclasses import dataclass

from bitstream import CdfTables
from codec.contract.quality import IntegerLevel
from codec.models.heads import Subspaces
from codec.models.subspace import Subspace
from codec.networks.learned import FilterModel, Model, ModelConfig
from codec.networks.lossless.network import Lossless, LosslessConfig
from codec.networks.postfilter import FilterConfig, PostFilter
from codec.networks.twins import Tensors, build_float, integer_level


@dataclass(frozen=True, eq=False)
class ReleasedModel:
    """A model file in memory.

    Attributes:
        name: of its folder.
        id: what files call it.
        content: the codec that makes its content: "learned", "jpeg", "webp", "avif",
            "compressai" or "lossless".
        tensors: all integers of the file.
        tables: probability tables.
    """

    name: str
    id: bytes
    content: str
    tensors: Tensors
    tables: CdfTables


@dataclass(frozen=True, eq=False)
class FilteredModel(ReleasedModel):
    """A model with a post-filter, which finishes the pictures of a content.

    Attributes:
        config: sizes of the networks.
        networks: the exact decoder.
        subspace: where updates of the post-filter live.
    """

    config: ModelConfig | FilterConfig
    networks: Model | FilterModel
    subspace: Subspace

    @property
    def postfilter(self) -> PostFilter:
        """The base filter, in integers."""
        return self.networks.postfilter

    @property
    def multiple(self) -> int:
        """Sides of the post-filter's pictures are multiples of this."""
        config = self.config
        return (config.filter if isinstance(config, ModelConfig) else config).multiple

    def search(self) -> Model | FilterModel:
        """Builds a fresh float model with the same weights, for gradients."""
        return build_float(self.config, self.tensors)


@dataclass(frozen=True, eq=False)
class LearnedModel(FilteredModel):
    """The networks of the learned content, with their post-filter.

    Attributes:
        prior: where updates of the prior live; None if the model has none.
    """

    config: ModelConfig
    networks: Model
    prior: Subspace | None = None

    def level(self, half: int) -> IntegerLevel:
        """Quality in halves (0..200) -> the integers that the decoder uses for it."""
        return integer_level(self.tensors, half)

    def search(self) -> Model:
        """Builds a fresh float model with the same weights, for gradients."""
        return build_float(self.config, self.tensors)


@dataclass(frozen=True, eq=False)
class LosslessModel(ReleasedModel):
    """The networks of the lossless mode.

    Attributes:
        config: sizes of the networks.
        networks: the exact predictor.
        subspaces: where updates live, one for each head.
    """

    config: LosslessConfig
    networks: Lossless
    subspaces: Subspaces
