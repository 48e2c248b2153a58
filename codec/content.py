"""The content codecs behind one interface: encode a job, decode a payload."""

from __future__ import annotations

from torch import Tensor

from bitstream import Header
from codec import learned, standard
from codec.job import Adapted, Content, Job
from codec.quality import HALVES
from codec.weights import ReleasedModel


def encode(job: Job) -> Content:
    """Codes the job's picture with the codec that its model belongs to."""
    codec = learned if job.model.content == "learned" else standard
    return codec.encode(job)


def refined(job: Job, adapted: Adapted) -> Content | None:
    """The same content searched further for the filter that the picture has now.

    None where there is nothing to search: a standard file stays as it is.
    """
    return learned.refined(job, adapted) if job.model.content == "learned" else None


def qualities(model: ReleasedModel) -> range:
    """The qualities that its encoder knows, in halves: standard codecs count in whole numbers."""
    return range(0, HALVES + 1, 1 if model.content == "learned" else 2)


def decode(payload: bytes, header: Header, model: ReleasedModel) -> Tensor:
    """CONTENT payload -> the picture before the post-filter: integers [1 3 H W].

    Raises:
        FormatError: no encoder writes such a payload.
    """
    codec = learned if model.content == "learned" else standard
    return codec.decode(payload, header, model)
