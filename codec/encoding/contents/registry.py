"""Picks what encodes the content of a lossy file, by the model that it is made with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from codec.encoding.task import Adapted, Content, EncodeTask
from codec.models.kinds import FilteredModel


class ContentEncoder(Protocol):
    """A content codec, encoding side: a module with these names."""

    QUALITIES: Sequence[int]
    """The qualities that it knows, in halves, rising."""

    def encode(self, task: EncodeTask) -> Content:
        """Codes the picture of a task."""

    def refined(self, task: EncodeTask, adapted: Adapted, number: int) -> Content | None:
        """Searches the content further for the filter that the picture has now, in round `number`.

        None where there is nothing to search, or no time left.
        """


def encoder_of(model: FilteredModel) -> ContentEncoder:
    """Finds the content codec of a model; only that is imported."""
    if model.content == "learned":
        from codec.encoding.contents import learned

        return learned
    if model.content == "compressai":
        from codec.encoding.contents import compressai

        return compressai
    from codec.encoding.contents import standard

    return standard
