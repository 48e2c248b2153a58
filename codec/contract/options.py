"""What a caller may ask of `encode` and `decode`; checked when it is asked, not later."""

from __future__ import annotations

import re
from dataclasses import dataclass

from codec.contract import techniques
from codec.contract.targets import Lambda, Target
from codec.errors import OptionError

QUALITY_MAX = 100
EFFORT_MAX = 9
DEVICES = ("auto", "cpu", "cuda")
METADATA = ("icc", "exif", "xmp")
CONTENTS = ("learned", "jpeg", "webp", "avif")
STANDARD_CONTENTS = CONTENTS[1:]
FOREIGN = "compressai"
"""Contents of the CompressAI zoo are "compressai:NAME:QUALITY"."""
FOREIGN_FORM = re.compile(rf"{FOREIGN}:[\w-]+:\d+")


@dataclass(frozen=True)
class EncodeOptions:
    """How an image is encoded; the defaults suit a photograph."""

    quality: float = 50.0
    """0 (smallest file) to 100 (best picture)."""
    effort: int = 5
    """0 (one pass of the networks) to 9 (longest search)."""
    update: str = techniques.DEFAULT
    """How to adapt the post-filter to the image (the change of its weights is sent), or "none"."""
    verify: bool = True
    """Whether to decode the file and compare before returning it."""
    device: str = "auto"
    """Where the encoder searches: "auto" takes a GPU if there is one."""
    content: str = "learned"
    """The codec below the post-filter: "learned", a standard one, or "compressai:NAME:QUALITY" for
    a network of the CompressAI zoo, if it and its weights are installed."""
    standard_file: bool = False
    """Whether to make a file of that standard codec, which any viewer shows, and put what the
    post-filter needs inside of it."""
    target: Target | None = None
    """What to aim for in place of `quality`, which must then be left alone."""
    lossless: bool = False
    """Whether to code the picture exactly; of the options above only effort, update (on or off) and
    verify then count."""
    metadata: tuple[str, ...] = METADATA
    """Which metadata of a picture the file keeps: "icc", "exif", "xmp"."""
    time_limit: float | None = None
    """Seconds after which the encoder settles for the best it has found.  Searches stop in time for
    the rest of the work; what no search can shorten (one pass of the networks at effort 0, some ten
    of them for a target) may take longer.  Files then depend on the speed of the machine."""

    def __post_init__(self) -> None:
        if not 0 <= self.quality <= QUALITY_MAX:
            raise OptionError(f"quality must be in 0..{QUALITY_MAX}, not {self.quality}")
        if self.effort not in range(EFFORT_MAX + 1):
            raise OptionError(f"effort must be an integer in 0..{EFFORT_MAX}, not {self.effort}")
        if self.update not in techniques.names():
            known = ", ".join(techniques.names())
            raise OptionError(f"update must be one of {known}, not {self.update}")
        if self.content not in CONTENTS and not FOREIGN_FORM.fullmatch(self.content):
            known = ", ".join(CONTENTS)
            raise OptionError(
                f"content must be one of {known} or {FOREIGN}:NAME:QUALITY, not {self.content}"
            )
        asked = self.target is not None or self.quality != EncodeOptions.quality
        if self.content_family == FOREIGN and asked:
            raise OptionError(f"{self.content} has a quality of its own; leave quality and targets")
        if self.standard_file and self.content not in STANDARD_CONTENTS:
            raise OptionError("a standard file needs the content jpeg, webp or avif")
        if self.target is not None and self.standard_file:
            raise OptionError("a target is for files of this codec; give a standard file a quality")
        if self.target is not None and self.quality != EncodeOptions.quality:
            raise OptionError("quality and a target exclude each other")
        if isinstance(self.target, Lambda) and self.content != "learned":
            raise OptionError(f"lambda is for learned content, {self.content} has its own quality")
        if self.lossless:
            self._check_lossless()
        if self.time_limit is not None and not self.time_limit > 0:
            raise OptionError(f"time_limit must be positive, not {self.time_limit}")
        if not set(self.metadata) <= set(METADATA) or isinstance(self.metadata, str):
            raise OptionError(f"metadata must be some of {METADATA}, not {self.metadata!r}")
        if self.device not in DEVICES:
            raise OptionError(f"device must be one of {', '.join(DEVICES)}, not {self.device}")

    @property
    def content_family(self) -> str:
        """The content without its NAME and QUALITY."""
        return self.content.partition(":")[0]

    def _check_lossless(self) -> None:
        for name in ("quality", "target", "content", "standard_file", "time_limit"):
            if getattr(self, name) != getattr(EncodeOptions, name):
                raise OptionError(f"lossless and {name.replace('_', ' ')} exclude each other")
        if self.update not in (techniques.DEFAULT, techniques.NONE):
            raise OptionError(
                f"a lossless file has update {techniques.DEFAULT} or {techniques.NONE}, "
                f"not {self.update}"
            )


@dataclass(frozen=True)
class DecodeOptions:
    """How a file is decoded; no option changes a pixel."""

    max_pixels: int | None = 2**26
    """Largest image to accept, since a few bytes can claim any size and decoding takes about 60
    bytes of memory per pixel (docs/memory.md); None leaves only the limits of the format."""
    updates: tuple[bytes, ...] = ()
    """Contents of update files (.nnu), for files that share one and name it by its hash.  What lies
    beside a file that is given by its name is found without this."""

    def __post_init__(self) -> None:
        if self.max_pixels is not None and self.max_pixels < 1:
            raise OptionError(f"max_pixels must be at least 1, not {self.max_pixels}")
