"""The content codecs behind one interface: encode a job, decode a payload."""

from __future__ import annotations

from types import ModuleType

from torch import Tensor

from bitstream import Header
from codec import learned, standard, zoo
from codec.job import Adapted, Content, Job
from codec.quality import HALVES
from codec.weights import ReleasedModel


def encode(job: Job) -> Content:
    """Codes the job's picture with the codec that its model belongs to."""
    return _codec(job.model).encode(job)


def refined(job: Job, adapted: Adapted, number: int) -> Content | None:
    """The same content searched further for the filter that the picture has now, in round `number`.

    None where there is nothing to search: other contents than ours stay as they are.
    """
    return learned.refined(job, adapted, number) if job.model.content == "learned" else None


def qualities(model: ReleasedModel) -> range:
    """The qualities that its encoder knows, in halves: standard codecs count in whole numbers."""
    return range(0, HALVES + 1, 1 if model.content == "learned" else 2)


def decode(payload: bytes, header: Header, model: ReleasedModel) -> Tensor:
    """CONTENT payload -> the picture before the post-filter: integers [1 3 H W].

    Raises:
        FormatError: no encoder writes such a payload, or what decodes it is not here.
    """
    return _codec(model).decode(payload, header, model)


def _codec(model: ReleasedModel) -> ModuleType:
    return {"learned": learned, zoo.FAMILY: zoo}.get(model.content, standard)
