"""Integers to bytes and back: everything FORMAT.md says about the file, nothing about pixels."""

from bitstream.coding.symbols import CdfTables, SymbolCoder, SymbolReader, SymbolWriter
from bitstream.envelope import MAGIC
from bitstream.errors import (
    BadMagic,
    ChecksumMismatch,
    FormatError,
    InvalidField,
    LimitExceeded,
    Truncated,
    UnknownModel,
    UnknownUpdate,
    UnsupportedVersion,
)
from bitstream.file.container import FORMAT_VERSION, Container, Tag, chunk_bytes
from bitstream.file.header import Header

__all__ = [
    "FORMAT_VERSION",
    "MAGIC",
    "BadMagic",
    "CdfTables",
    "ChecksumMismatch",
    "Container",
    "FormatError",
    "Header",
    "InvalidField",
    "LimitExceeded",
    "SymbolCoder",
    "SymbolReader",
    "SymbolWriter",
    "Tag",
    "Truncated",
    "UnknownModel",
    "UnknownUpdate",
    "UnsupportedVersion",
    "chunk_bytes",
]
