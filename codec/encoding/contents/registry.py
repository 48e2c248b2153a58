"""Encodes the content of a job with the codec that its model belongs to."""

from __future__ import annotations

from codec.contract.quality import HALVES
from codec.decoding.contents.compressai import FAMILY
from codec.encoding.contents import compressai, learned, standard
from codec.encoding.job import Adapted, Content, Job
from codec.models.released import ReleasedModel


def encode(job: Job) -> Content:
    """Codes the job's picture with the codec that its model belongs to."""
    encoders = {"learned": learned, FAMILY: compressai}
    return encoders.get(job.model.content, standard).encode(job)


def refined(job: Job, adapted: Adapted, number: int) -> Content | None:
    """The same content searched further for the filter that the picture has now, in round `number`.

    None where there is nothing to search: other contents than ours stay as they are.
    """
    return learned.refined(job, adapted, number) if job.model.content == "learned" else None


def qualities(model: ReleasedModel) -> range:
    """The qualities that its encoder knows, in halves: standard codecs count in whole numbers."""
    return range(0, HALVES + 1, 1 if model.content == "learned" else 2)
