"""Encodes a picture with a network of the CompressAI zoo."""

from __future__ import annotations

import torch

from bitstream.file.compressai import ZooPayload
from codec.contract.quality import HALVES, quality_at
from codec.decoding.contents.compressai import ZooError, checksum, load_network, parse_name
from codec.encoding.contents import standard
from codec.encoding.task import Content, EncodeTask
from codec.errors import OptionError

DB_PER_DOUBLING = 3.5
"""By how much the PSNR grows when a file doubles; as for WebP."""


LAMBDAS = (0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483, 0.0932, 0.1800)
"""Weight of the squared error, in pixel values, that qualities 1 to 8 were trained with."""


def half_of(content: str) -> int:
    """What the post-filter is conditioned on: the quality of this codec with the same lambda."""
    _, quality = parse_name(content)
    weight = LAMBDAS[min(max(quality, 1), len(LAMBDAS)) - 1]
    return min(max(round(2 * quality_at(weight)), 0), HALVES)


QUALITIES = standard.QUALITIES


@torch.no_grad()
def encode(task: EncodeTask) -> Content:
    """The picture as such a network codes it.  Raises OptionError."""
    height, width = task.pixels.shape[:2]
    try:
        network = load_network(*parse_name(task.content))
    except ZooError as error:
        raise OptionError(str(error)) from error
    shape, strings = network.compress(task.pixels)
    pixels = network.decompress(shape, strings, width, height)
    payload = ZooPayload(
        network.name, network.quality, network.weights, checksum(pixels), shape, strings
    )
    data = payload.pack()
    return standard.weighed(task, data, pixels, DB_PER_DOUBLING, len(data))
