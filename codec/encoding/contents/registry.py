"""Picks what encodes the content of a lossy file, by the model that it is made with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from codec.contract.contents import FOREIGN
from codec.encoding.task import Adapted, Content, EncodeTask
from codec.models.kinds import LearnedModel


@dataclass(frozen=True)
class ContentEncoder:
    """A content codec at work on one picture.

    Attributes:
        qualities: those that it knows, in halves, rising.
        encode: codes the picture.
        refined: searches the content further for the filter that the picture has now, in a round
            of that number; None where there is nothing to search, or no time left.
    """

    qualities: Sequence[int]
    encode: Callable[[], Content]
    refined: Callable[[Adapted, int], Content | None] = lambda adapted, number: None


def encoder_of(task: EncodeTask) -> ContentEncoder:
    """Finds the content codec of a task by its model; only that is imported."""
    model = task.model
    if isinstance(model, LearnedModel):
        from codec.encoding.contents import learned

        return ContentEncoder(
            learned.QUALITIES,
            partial(learned.encode, task, model),
            partial(learned.refined, task, model),
        )
    if model.content == FOREIGN:
        from codec.encoding.contents import compressai

        return ContentEncoder(compressai.QUALITIES, partial(compressai.encode, task))
    from codec.encoding.contents import standard

    return ContentEncoder(standard.QUALITIES, partial(standard.encode, task))
