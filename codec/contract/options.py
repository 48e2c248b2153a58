"""What a caller may ask of `encode`; checked when it is asked, not later."""

from __future__ import annotations

from dataclasses import dataclass, field

from codec.contract import techniques
from codec.contract.contents import LEARNED
from codec.contract.effort import effort_at
from codec.contract.modes import Lossless, Lossy, Mode
from codec.errors import OptionError

EFFORT_MAX = 9
DEVICES = ("auto", "cpu", "cuda")
TUNES = ("psnr", "ssimulacra2", "ms-ssim")
"""What searches can aim for, first the default."""
METADATA = ("icc", "exif", "xmp", "iptc")


@dataclass(frozen=True)
class ReadOptions:
    """How a picture file is read; see the fields of the same names of `EncodeOptions`."""

    max_pixels: int | None = 2**28 // 3
    truncated: bool = False
    frame: int | None = None

    def __post_init__(self) -> None:
        if self.max_pixels is not None and self.max_pixels < 1:
            raise OptionError(f"max_pixels must be at least 1, not {self.max_pixels}")
        if self.frame is not None and self.frame < 0:
            raise OptionError(f"frame must be at least 0, not {self.frame}")


@dataclass(frozen=True)
class EncodeOptions:
    """How an image is encoded; the defaults suit a photograph."""

    mode: Mode = field(default_factory=Lossy)
    """What kind of file, and of what quality."""
    effort: int = 5
    """0 (one pass of the networks) to 9 (longest search)."""
    update: str = techniques.DEFAULT
    """How to adapt the networks to the image (the change of their weights is sent), or "none"."""
    verify: bool = True
    """Whether to decode the file and compare before returning it."""
    device: str = "auto"
    """Where the encoder searches: "auto" takes a GPU if there is one."""
    metadata: tuple[str, ...] = METADATA
    """Which metadata of a picture the file keeps: "icc", "exif", "xmp", "iptc"."""
    strict: bool = False
    """Whether to refuse a picture of which anything is lost, as the note would say; what `metadata`
    leaves out is not."""
    max_pixels: int | None = ReadOptions.max_pixels
    """Largest picture file to read; None leaves only the limits of the format."""
    truncated: bool = False
    """Whether to take what can be read of a picture file that is cut short or damaged."""
    frame: int | None = None
    """Which picture of an animation, or page, from 0; None refuses files with several."""
    time_limit: float | None = None
    """Seconds after which the encoder settles for the best it has found.  Searches stop in time for
    the rest of the work; what no search can shorten (one pass of the networks at effort 0, some ten
    of them for a target) may take longer.  Files then depend on the speed of the machine."""
    tune: str = TUNES[0]
    """What bits are spent for: "psnr", the squared error alone, or what people see, by a metric:
    "ssimulacra2" or "ms-ssim".  These two take an effort of 3 or more for learned content, of 1 or
    more for others, and are not for files without loss."""

    def __post_init__(self) -> None:
        if self.effort not in range(EFFORT_MAX + 1):
            raise OptionError(f"effort must be an integer in 0..{EFFORT_MAX}, not {self.effort}")
        if self.update not in techniques.names():
            known = ", ".join(techniques.names())
            raise OptionError(f"update must be one of {known}, not {self.update}")
        if self.time_limit is not None and not self.time_limit > 0:
            raise OptionError(f"time_limit must be positive, not {self.time_limit}")
        if not set(self.metadata) <= set(METADATA) or isinstance(self.metadata, str):
            raise OptionError(f"metadata must be some of {METADATA}, not {self.metadata!r}")
        _ = self.reading
        if self.device not in DEVICES:
            raise OptionError(f"device must be one of {', '.join(DEVICES)}, not {self.device}")
        self._check_tune()
        if isinstance(self.mode, Lossless):
            self._check_lossless()

    @property
    def reading(self) -> ReadOptions:
        """Those about picture files."""
        return ReadOptions(self.max_pixels, self.truncated, self.frame)

    def lossy_set(self) -> Lossy:
        """The mode of pictures that share an update.

        Raises:
            OptionError: with these options they cannot.
        """
        mode = self.mode
        if not isinstance(mode, Lossy):
            kind = "lossless" if isinstance(mode, Lossless) else "standard"
            raise OptionError(f"{kind} files have no shared update")
        if mode.target is not None or self.time_limit is not None:
            raise OptionError("pictures that share an update have no target and no time limit")
        if self.update != techniques.DEFAULT:
            raise OptionError("a shared update takes the place of other ways to adapt the filter")
        return mode

    def _check_tune(self) -> None:
        if self.tune not in TUNES:
            raise OptionError(f"tune must be one of {', '.join(TUNES)}, not {self.tune}")
        if self.tune == TUNES[0]:
            return
        if isinstance(self.mode, Lossless):
            raise OptionError(f"lossless and tune {self.tune} exclude each other")
        effort = effort_at(self.effort)
        if isinstance(self.mode, Lossy) and self.mode.content == LEARNED:
            enough, needed = effort.rounds, "refines latents, 3 or more"
        else:
            enough, needed = effort.update, "has an update, 1 or more"
        if not enough:
            raise OptionError(f"tune {self.tune} needs an effort that {needed}, not {self.effort}")

    def _check_lossless(self) -> None:
        if self.time_limit is not None:
            raise OptionError("lossless and time limit exclude each other")
        if self.update not in (techniques.DEFAULT, techniques.NONE):
            raise OptionError(
                f"a lossless file has update {techniques.DEFAULT} or {techniques.NONE}, "
                f"not {self.update}"
            )
