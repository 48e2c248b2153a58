"""Standard files as content: picture -> JPEG, WebP or AVIF file -> the unfiltered picture."""

from __future__ import annotations

import math

from codec.contract.quality import HALVES, centred
from codec.decoding.filtering import Filtering
from codec.encoding.task import Content, EncodeTask
from codec.networks.pictures import to_unfiltered
from codec.picture.coded_size import coded_bytes
from codec.picture.pixels import Pixels
from codec.picture.standard import STANDARD

QUALITIES = range(0, HALVES + 1, 2)
"""Standard codecs count in whole numbers."""


def encode(task: EncodeTask) -> Content:
    """The picture as a standard file."""
    data = STANDARD[task.model.content].write(task.pixels, task.half / 2)
    return content_of(task, data)


def content_of(task: EncodeTask, data: bytes) -> Content:
    """A standard file of the task's picture as content."""
    codec = STANDARD[task.model.content]
    return weighed(task, data, codec.read(data), codec.db_per_doubling, coded_bytes(data))


def weighed(
    task: EncodeTask, data: bytes, pixels: Pixels, db_per_doubling: float, coded: int
) -> Content:
    """A payload that decodes to `pixels` as content; its lambda follows from rate and error.

    Args:
        task: the picture.
        data: the payload.
        pixels: uint8 [h w 3].
        db_per_doubling: slope of the codec's own rate-distortion curve.
        coded: bytes of the payload that are the coded picture.
    """
    unfiltered = to_unfiltered(pixels, task.model.multiple)
    height, width = task.pixels.shape[:2]
    filtering = Filtering(unfiltered, task.model.postfilter, centred(task.half))
    error = max(task.error(filtering.pixels(task.model.postfilter, width, height)), 1.0)
    # PSNR = db_per_doubling * log2(bits), so d(error)/d(bits) = -share * error / bits.
    share = math.log(10) / 10 * db_per_doubling / math.log(2)
    return Content(data, unfiltered, 8 * coded / (share * error))
