"""Names the ways in which a weight update can be coded (FORMAT.md section 9)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from bitstream.update.shared import METHOD as SHARED_METHOD

if TYPE_CHECKING:
    pass


class Method(IntEnum):
    """What is coded, and how."""

    SUBSPACE = 1
    KERNELS = 2
    SCALES = 3
    LOW_RANK = 4
    COSINE = 5
    TRELLIS = 6
    """Levels in the subspace, as SUBSPACE, but of a trellis-coded quantiser."""
    SHARED = SHARED_METHOD
    """The id of an update file that several pictures share."""
