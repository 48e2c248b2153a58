"""Networks of the CompressAI zoo as content, for those who have them and their weights.

    --content compressai:mbt2018-mean:3

CompressAI (Begaint et al., arXiv:2011.03029) is optional.  Weights are read from where it puts
them (the folder of `torch.hub`), never downloaded.  Its networks are floats: a file decodes where
they give the very same picture as at the encoder's, which a checksum tells; elsewhere it is
refused.
"""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from bitstream import Header, InvalidField, UnknownModel
from bitstream.file.compressai import CHECKSUM_BYTES, WEIGHTS_BYTES, ZooPayload
from codec.contract.contents import FOREIGN
from codec.errors import OptionError
from codec.models.kinds import FilteredModel
from codec.picture import halves
from codec.picture.pixels import Halves, Pixels

INSTALL = "CompressAI is not installed: pip install 'nncodec-image[compressai]'"
METRIC = "mse"
MULTIPLE = 64
"""Pictures are padded to multiples of this: the networks halve them up to six times."""
LATENT_SCALES = (16, 64)
"""Pixels per row of the most compressed latents: without, and with a hyperprior."""
BYTES_PER_PIXEL = 10
"""A word of 4 bytes for each latent and some more: there are at most 320 for 256 pixels."""


class ZooError(Exception):
    """A network cannot be had; the message says why, and what to do."""


@dataclass(frozen=True, eq=False)
class ZooNetwork:
    """A network with its weights.

    Attributes:
        name: as in the zoo.
        quality: as in the zoo.
        weights: first bytes of the SHA-256 of their file.
        module: of CompressAI.
    """

    name: str
    quality: int
    weights: bytes
    module: Any

    def compress(self, pixels: Pixels) -> tuple[tuple[int, int], tuple[bytes, ...]]:
        """Shape and strings of a picture."""
        picture = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255
        height, width = pixels.shape[:2]
        rows, columns = _padded(height, width)
        padded = functional.pad(picture, (0, columns - width, 0, rows - height), mode="replicate")
        coded = self.module.compress(padded)
        shape = int(coded["shape"][0]), int(coded["shape"][1])
        return shape, tuple(bytes(each[0]) for each in coded["strings"])

    def decompress(
        self, shape: tuple[int, int], strings: tuple[bytes, ...], width: int, height: int
    ) -> Pixels:
        """Inverse of `compress`, but for what is lost: uint8 [h w 3].

        Raises:
            InvalidField: the network never wrote such strings.
        """
        rows, columns = _padded(height, width)
        if shape not in {(rows // scale, columns // scale) for scale in LATENT_SCALES}:
            raise InvalidField("the content has another size than the header states")
        # CompressAI's coder reads on past the end of a string that is too short: at most one word
        # per latent, and what 15 times the bits of the string can ask for.
        spare = bytes(BYTES_PER_PIXEL * rows * columns)
        fed = [[string + bytes(16 * len(string)) + spare] for string in strings]
        try:
            decoded = self.module.decompress(fed, shape)["x_hat"]
        except Exception as error:  # it raises almost anything on damaged data
            raise InvalidField(f"the content is not of {self.name}: {error}") from error
        if decoded.shape[2:] != (rows, columns):
            raise InvalidField("the content has another size than the header states")
        pixels = (decoded[0, :, :height, :width] * 255).round().clamp(0, 255).byte()
        found: Pixels = pixels.permute(1, 2, 0).contiguous().numpy()
        return found


def parse_name(content: str) -> tuple[str, int]:
    """Name and quality of "compressai:NAME:QUALITY".  Raises OptionError."""
    family, _, rest = content.partition(":")
    name, _, quality = rest.rpartition(":")
    if family != FOREIGN or not name or not quality.isdecimal():
        raise OptionError(f"{content} is not of the form {FOREIGN}:NAME:QUALITY")
    return name, int(quality)


@lru_cache(maxsize=2)
def load_network(name: str, quality: int) -> ZooNetwork:
    """A network with the weights that CompressAI has stored here.  Raises ZooError."""
    if importlib.util.find_spec("compressai") is None:
        raise ZooError(INSTALL)
    from compressai.zoo import image as zoo
    from compressai.zoo import image_models
    from compressai.zoo.pretrained import load_pretrained

    files = zoo.model_urls.get(name, {}).get(METRIC, {})
    if quality not in files or name not in image_models:
        known = ", ".join(sorted(name for name in zoo.model_urls if name in image_models))
        raise ZooError(
            f"CompressAI has no {name} of quality {quality}; it has {known}, mostly 1..8"
        )
    path = Path(torch.hub.get_dir(), "checkpoints", Path(files[quality]).name)
    if not path.is_file():
        raise ZooError(
            f"the weights of {name} are not here: put {files[quality]} into {path.parent}"
        )
    data = path.read_bytes()
    state = load_pretrained(torch.load(path, map_location="cpu", weights_only=True))
    with torch.random.fork_rng(devices=[]):  # it begins with random weights
        module = image_models[name](quality, METRIC, pretrained=False)
    module.load_state_dict(state)
    module.update(force=True)
    weights = hashlib.sha256(data).digest()[:WEIGHTS_BYTES]
    return ZooNetwork(name, quality, weights, module.eval())


@torch.no_grad()
def decode(payload: bytes, header: Header, model: FilteredModel) -> Halves:
    """CONTENT payload -> the picture before the post-filter.

    Raises:
        UnknownModel: CompressAI or the weights are not here, or give another picture here.
        InvalidField: no encoder writes such a payload.
    """
    found = ZooPayload.unpack(payload)
    try:
        network = load_network(found.name, found.quality)
    except ZooError as error:
        raise UnknownModel(str(error)) from error
    if network.weights != found.weights:
        raise UnknownModel(f"needs other weights of {found.name} than those here")
    pixels = network.decompress(found.shape, found.strings, header.width, header.height)
    if checksum(pixels) != found.checksum:
        raise UnknownModel(f"{found.name} gives another picture on this machine than the encoder's")
    return halves.of_pixels(pixels, model.multiple)


def _padded(height: int, width: int) -> tuple[int, int]:
    """The size of the picture that the networks see."""
    return -(-height // MULTIPLE) * MULTIPLE, -(-width // MULTIPLE) * MULTIPLE


def checksum(pixels: Pixels) -> bytes:
    """Takes the checksum of a picture: first bytes of the SHA-256 of its samples."""
    return hashlib.sha256(pixels.tobytes()).digest()[:CHECKSUM_BYTES]
