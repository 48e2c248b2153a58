"""Networks' weights to packed files and back: numpy only, no torch.

safetensors ─ checkpoint ─ fold, difference, prune ─ low rank, quantizer ─ bitstream.tensors
"""

from codec.packing.checkpoint import Checkpoint, StoredTensor
from codec.packing.options import PackOptions
from codec.packing.packer import pack, unpack
from codec.packing.sources import Base
from codec.packing.target import pack_to_size

__all__ = ["Base", "Checkpoint", "PackOptions", "StoredTensor", "pack", "pack_to_size", "unpack"]
