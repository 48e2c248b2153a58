"""safetensors files as values: bytes to named tensors and back.

Reading is left to the library, which validates. Its arrays for numpy lack bfloat16, so tensors
stay bytes here, and `bitstream.tensors` knows what they mean.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import safetensors

from bitstream.tensors import DTYPES, Values, from_bytes, item_size, to_bytes
from codec.errors import WeightsError

LENGTH_BYTES = 8
ALIGNMENT = 8


@dataclass(frozen=True, eq=False)
class StoredTensor:
    """A tensor as a file holds it.

    Attributes:
        dtype: as safetensors names it.
        shape: its dimensions.
        data: its values in raster order, least significant byte first.
    """

    dtype: str
    shape: tuple[int, ...]
    data: bytes

    @classmethod
    def of(cls, values: Values, dtype: str, shape: tuple[int, ...]) -> StoredTensor:
        """Rounds float64 or int64 values to the type."""
        return cls(dtype, shape, to_bytes(values.ravel(), dtype))

    def values(self) -> Values:
        """Its values, flat: float64, or int64 for a type of integers."""
        return from_bytes(self.data, self.dtype)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What a safetensors file holds.

    Attributes:
        tensors: by name.
        notes: the strings of `__metadata__`.
    """

    tensors: Mapping[str, StoredTensor]
    notes: Mapping[str, str]

    @classmethod
    def parse(cls, data: bytes) -> Checkpoint:
        """Reads the bytes of a file.

        Raises:
            WeightsError: they are not a safetensors file, or hold a type that is not supported.
        """
        try:
            entries = safetensors.deserialize(data)
        except safetensors.SafetensorError as error:
            raise WeightsError(f"is not a safetensors file: {error}") from error
        for name, entry in entries:
            if entry["dtype"] not in DTYPES:
                raise WeightsError(f"{name!r} is of type {entry['dtype']}, which is not supported")
        # The library has validated the header; it only does not return this part.
        size = int.from_bytes(data[:LENGTH_BYTES], "little")
        notes = json.loads(data[LENGTH_BYTES : LENGTH_BYTES + size]).get("__metadata__", {})
        tensors = {
            name: StoredTensor(entry["dtype"], tuple(entry["shape"]), bytes(entry["data"]))
            for name, entry in entries
        }
        return cls(tensors, notes)

    def serialize(self) -> bytes:
        """The bytes of a file: larger types first, so that all are aligned."""
        header: dict[str, object] = {"__metadata__": dict(self.notes)} if self.notes else {}
        parts: list[bytes] = []
        end = 0
        order = sorted(self.tensors.items(), key=lambda pair: (-item_size(pair[1].dtype), pair[0]))
        for name, tensor in order:
            start, end = end, end + len(tensor.data)
            header[name] = {
                "dtype": tensor.dtype,
                "shape": list(tensor.shape),
                "data_offsets": [start, end],
            }
            parts.append(tensor.data)
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
        text += b" " * (-len(text) % ALIGNMENT)
        return b"".join([len(text).to_bytes(LENGTH_BYTES, "little"), text, *parts])
