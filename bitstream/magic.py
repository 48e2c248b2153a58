"""The first bytes of each kind of file; a standard file is recognised by its carrier.

In the first two, the high bit and the invalid UTF-8 catch transfers that treat the file as text.
"""

from __future__ import annotations

MAGIC = b"\x8eNN"
"""A picture."""
PACKED_MAGIC = b"\x8eNW"
"""Packed weights."""
UPDATE_MAGIC = b"NNU"
"""A weight update that several pictures share."""
