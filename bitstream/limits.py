"""Implements FORMAT.md section 3.3: the sizes beyond which a file is refused.

They bound the memory and time that a hostile file can claim before its content is looked at.
"""

from __future__ import annotations

MAX_DIMENSION = 65_535
"""Largest width or height in pixels."""

MAX_PIXELS = 1 << 28
"""Largest width times height."""

MAX_CHUNK_BYTES = 1 << 30
"""Largest payload of one chunk."""

MAX_METADATA_BYTES = 1 << 24
"""Largest colour profile, EXIF, XMP packet or IPTC records, before it is compressed."""

MAX_UPDATE_PARAMETERS = 1 << 22
"""Largest number of levels in a weight update by kernels."""

MAX_UPDATE_LEVEL = (1 << 15) - 1
"""Largest magnitude of one level of a weight update by kernels."""

MAX_SUBSPACE_LEVEL = 1 << 10
"""Largest magnitude of one level of a weight update in a subspace: what it changes stays exact in
64 bits."""

MAX_ESCAPE_PREFIX = 24
"""Longest Exp-Golomb prefix of an escaped latent: values reach about 2**25."""

MAX_BYTES_PAST_END = 16
"""How many zeros a codeword may leave out at its end: up to eight that follow what was coded, as a
decoder's state holds as many, and eight more that were coded, which chance makes once in 2**64
codewords."""

MAX_CARRIED_BYTES = 65_529
"""Largest payload in a JPEG, WebP or AVIF file: what fits into one JPEG segment."""

MAX_PACKED_PARAMETERS = 1 << 26
"""Largest number of values, and of levels, in a packed weight file."""

MAX_PACKED_LEVEL = (1 << 31) - 1
"""Largest magnitude of one level of a packed weight file."""

MAX_STEPS_PER_LANE = 64
"""Largest number of steps of a packed tensor, per lane: it bounds the time of a decoder."""

MAX_PACKED_LANES = 1 << 14
"""Largest number of lanes of a packed tensor: it bounds the memory of a decoder."""

MAX_PACKED_RANK = 8
"""Largest number of dimensions of a packed tensor."""

MAX_PACKED_NAMES = 1 << 20
"""Most bytes of all names of a packed weight file together: a name may repeat the one before it, so
that short entries could make long names."""

MAX_PACKED_TENSORS = 1 << 16
"""Largest number of tensors in a packed weight file."""

MAX_PACKED_STEPS = 1 << 18
"""Largest number of steps, of all tensors of a packed weight file together."""

STEP_WORK = 256
"""Values that take as long as one step of a packed tensor, whose lanes are worked on together."""

PACKED_WORK = 1 << 20
"""Values of a packed weight file, however short, that are accepted without being asked for."""

PACKED_WORK_PER_BYTE = 16
"""The same for each byte of the file: half a bit for each value."""
