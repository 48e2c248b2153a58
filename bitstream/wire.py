"""Implements FORMAT.md section 2.2: the primitive fields, written and read one after the other.

All integers are unsigned; those of fixed width are little-endian. A varint is LEB128: seven bits
per byte, least significant first, the high bit set on every byte but the last.
"""

from __future__ import annotations

from bitstream.errors import InvalidField, Truncated

VARINT_MAX_BYTES = 5


class ByteWriter:
    """Appends fields to a growing buffer."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def u8(self, value: int) -> None:
        """Writes one byte, 0..255."""
        self._fixed(value, size=1)

    def u16(self, value: int) -> None:
        """Writes two bytes, little-endian."""
        self._fixed(value, size=2)

    def u32(self, value: int) -> None:
        """Writes four bytes, little-endian."""
        self._fixed(value, size=4)

    def varint(self, value: int) -> None:
        """Writes a varint of 1..5 bytes, `value` below 2**32."""
        _check_width(value, bits=32)
        while value >= 0x80:
            self._buffer.append((value & 0x7F) | 0x80)
            value >>= 7
        self._buffer.append(value)

    def raw(self, data: bytes) -> None:
        """Writes `data` as it is."""
        self._buffer += data

    def text(self, text: str) -> None:
        """Writes the length in bytes as a varint, then the text in UTF-8."""
        data = text.encode()
        self.varint(len(data))
        self.raw(data)

    def getvalue(self) -> bytes:
        """All bytes written so far."""
        return bytes(self._buffer)

    def _fixed(self, value: int, size: int) -> None:
        _check_width(value, bits=8 * size)
        self._buffer += value.to_bytes(size, "little")


class ByteReader:
    """Takes fields from `data` in order, never past its end.

    Every method names `what` it is reading, so that `Truncated` can say it.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    @property
    def remaining(self) -> int:
        """Number of bytes not yet read."""
        return len(self._data) - self.position

    def u8(self, what: str) -> int:
        """Reads one byte."""
        return self.raw(1, what)[0]

    def u16(self, what: str) -> int:
        """Reads two bytes, little-endian."""
        return int.from_bytes(self.raw(2, what), "little")

    def u32(self, what: str) -> int:
        """Reads four bytes, little-endian."""
        return int.from_bytes(self.raw(4, what), "little")

    def varint(self, what: str) -> int:
        """Reads a varint.

        Raises:
            Truncated: the data ends inside it.
            InvalidField: it is longer than needed, or its value is 2**32 or more.
        """
        value = 0
        for index in range(VARINT_MAX_BYTES):
            byte = self.u8(what)
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                if byte == 0 and index > 0:
                    raise InvalidField(f"{what} is not in its shortest form")
                _check_width(value, bits=32, what=what)
                return value
        raise InvalidField(f"{what} is longer than {VARINT_MAX_BYTES} bytes")

    def text(self, what: str) -> str:
        """Reads a length and as many bytes of UTF-8.

        Raises:
            Truncated: the data ends inside it.
            InvalidField: it is not valid UTF-8.
        """
        try:
            return self.raw(self.varint(what), what).decode()
        except UnicodeDecodeError:
            raise InvalidField(f"{what} is not valid UTF-8") from None

    def raw(self, size: int, what: str) -> bytes:
        """Reads `size` bytes."""
        if size > self.remaining:
            raise Truncated(
                f"truncated in {what} at byte {self.position} "
                f"(expected {size - self.remaining} more bytes)"
            )
        start = self.position
        self.position += size
        return self._data[start : self.position]


def _check_width(value: int, bits: int, what: str = "value") -> None:
    if value < 0 or value >> bits:
        raise InvalidField(f"{what} {value} does not fit in {bits} bits")
