"""The codecs below the post-filter, as options, models and tables name them."""

from __future__ import annotations

LEARNED = "learned"
LOSSLESS = "lossless"
"""What models say that their content is."""
STANDARD_CONTENTS = ("jpeg", "webp", "avif")
CONTENTS = (LEARNED, *STANDARD_CONTENTS)
SMALLEST = "smallest"
LOSSLESS_CONTENTS = (SMALLEST, LEARNED, "webp", "jxl")
FOREIGN = "compressai"
"""Contents of the CompressAI zoo are "compressai:NAME:QUALITY"."""
