"""What kind of file an encode makes, and of what quality.

Lossy      a file of this codec, with the learned content or another below the filter
Lossless   a file of this codec that gives the very same pixels again
Standard   a JPEG, WebP or AVIF file that every program shows, and this decoder better

What excludes each other has no common place here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from codec.contract.contents import (
    CONTENTS,
    FOREIGN,
    LEARNED,
    LOSSLESS_CONTENTS,
    SMALLEST,
    STANDARD_CONTENTS,
)
from codec.contract.targets import Lambda, Target
from codec.errors import OptionError

QUALITY_MAX = 100
FOREIGN_FORM = re.compile(rf"{FOREIGN}:[\w-]+:\d+")


@dataclass(frozen=True)
class Lossy:
    """A file of this codec.

    Attributes:
        quality: 0 (smallest file) to 100 (best picture).
        target: what to aim for in place of `quality`, which must then be left alone.
        content: the codec below the post-filter: "learned", a standard one, or
            "compressai:NAME:QUALITY" for a network of the CompressAI zoo, if it and its weights are
            installed.

    Raises:
        OptionError: a value is out of its range, or two of them exclude each other.
    """

    quality: float = 50.0
    target: Target | None = None
    content: str = LEARNED

    def __post_init__(self) -> None:
        _check_quality(self.quality)
        if self.content not in CONTENTS and not FOREIGN_FORM.fullmatch(self.content):
            known = ", ".join(CONTENTS)
            raise OptionError(
                f"content must be one of {known} or {FOREIGN}:NAME:QUALITY, not {self.content}"
            )
        aimed = self.quality != Lossy.quality
        if self.family == FOREIGN and (aimed or self.target is not None):
            raise OptionError(f"{self.content} has a quality of its own; leave quality and targets")
        if self.target is not None and aimed:
            raise OptionError("quality and a target exclude each other")
        if isinstance(self.target, Lambda) and self.content != LEARNED:
            raise OptionError(f"lambda is for learned content, {self.content} has its own quality")

    @property
    def family(self) -> str:
        """The content without its NAME and QUALITY."""
        return self.content.partition(":")[0]


@dataclass(frozen=True)
class Lossless:
    """A file of this codec that gives the very same pixels again.

    Attributes:
        content: "smallest" for what makes the smaller file, the networks or WebP; or one of them,
            "learned", "webp" or "jxl". Files with JPEG XL need a plugin of Pillow's on both sides.

    Raises:
        OptionError: there is no such content without loss.
    """

    content: str = SMALLEST

    def __post_init__(self) -> None:
        if self.content not in LOSSLESS_CONTENTS:
            known = ", ".join(LOSSLESS_CONTENTS)
            raise OptionError(f"content without loss is one of {known}, not {self.content}")


@dataclass(frozen=True)
class Standard:
    """A standard file with what the post-filter needs inside of it.

    Attributes:
        format: "jpeg", "webp" or "avif".
        quality: 0 to 100, as writers of that format count.

    Raises:
        OptionError: a value is out of its range.
    """

    format: str
    quality: float = 50.0

    def __post_init__(self) -> None:
        _check_quality(self.quality)
        if self.format not in STANDARD_CONTENTS:
            known = ", ".join(STANDARD_CONTENTS)
            raise OptionError(f"a standard file is one of {known}, not {self.format}")


Mode = Lossy | Lossless | Standard


def mode_of(
    quality: float = Lossy.quality,
    target: Target | None = None,
    content: str = LEARNED,
    *,
    lossless: bool = False,
    standard_file: bool = False,
) -> Mode:
    """Picks the mode for options that stand side by side, as on a command line.

    Args:
        quality: see `Lossy` and `Standard`.
        target: see `Lossy`.
        content: see `Lossy` and `Lossless`, where "learned" leaves the choice to the encoder; the
            format of a standard file.
        lossless: whether to code the picture exactly.
        standard_file: whether to make a file of the format `content`.

    Raises:
        OptionError: two of them exclude each other, or one is out of its range.
    """
    if lossless:
        given = {
            "quality": quality != Lossy.quality,
            "a target": target is not None,
            "a standard file": standard_file,
        }
        for name, is_given in given.items():
            if is_given:
                raise OptionError(f"lossless and {name} exclude each other")
        return Lossless(SMALLEST if content == LEARNED else content)
    if not standard_file:
        return Lossy(quality, target, content)
    if target is not None:
        raise OptionError("a target is for files of this codec; give a standard file a quality")
    return Standard(content, quality)


def _check_quality(quality: float) -> None:
    if not 0 <= quality <= QUALITY_MAX:
        raise OptionError(f"quality must be in 0..{QUALITY_MAX}, not {quality}")
