"""The options of an encode, as commands that encode share them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from codec.contract.contents import CONTENTS, FOREIGN, LEARNED
from codec.contract.modes import FOREIGN_FORM, QUALITY_MAX, Lossy, mode_of
from codec.contract.options import DEVICES, EFFORT_MAX, METADATA, TUNES, EncodeOptions
from codec.contract.targets import Target

FOREIGN_NAME = f"{FOREIGN}:NAME:QUALITY"


@dataclass(frozen=True)
class Asked:
    """What a command line asks of an encode, option by option; see `EncodeOptions`."""

    quality: float = Lossy.quality
    target: Target | None = None
    lossless: bool = False
    content: str = LEARNED
    effort: int = EncodeOptions.effort
    update: str = EncodeOptions.update
    tune: str = EncodeOptions.tune
    verify: bool = EncodeOptions.verify
    device: str = EncodeOptions.device
    metadata: tuple[str, ...] = EncodeOptions.metadata
    time_limit: float | None = None
    strict: bool = False
    max_pixels: int | None = EncodeOptions.max_pixels
    truncated: bool = False
    frame: int | None = None

    def options(self, *, standard_file: bool = False) -> EncodeOptions:
        """The options, once it is known what kind of file is meant.  Raises OptionError."""
        return EncodeOptions(
            mode_of(
                self.quality,
                self.target,
                self.content,
                lossless=self.lossless,
                standard_file=standard_file,
            ),
            effort=self.effort,
            update=self.update,
            tune=self.tune,
            strict=self.strict,
            max_pixels=self.max_pixels,
            truncated=self.truncated,
            frame=self.frame,
            verify=self.verify,
            device=self.device,
            metadata=self.metadata,
            time_limit=self.time_limit,
        )


DEFAULTS = Asked()


class ContentName(click.Choice):  # type: ignore[type-arg]  # older releases are not generic
    """One of our contents, or a network of the CompressAI zoo."""

    def convert(
        self, value: Any, param: click.Parameter | None, context: click.Context | None
    ) -> str:
        """Checks the form."""
        if FOREIGN_FORM.fullmatch(str(value)):
            return str(value)
        if value not in self.choices:
            choices = ", ".join((*self.choices, FOREIGN_NAME))
            self.fail(f"{value!r} is not one of {choices}", param, context)
        return str(value)


class MetadataKinds(click.ParamType):  # type: ignore[type-arg]  # older releases are not generic
    """`all`, `none`, or names of metadata with commas between them."""

    name = "metadata"

    def convert(
        self, value: str, param: click.Parameter | None, context: click.Context | None
    ) -> tuple[str, ...]:
        """The names."""
        words = {"all": METADATA, "none": ()}
        kinds = words.get(value, tuple(value.split(",")))
        if not set(kinds) <= set(METADATA):
            self.fail(
                f"{value!r} is not all, none, or some of {','.join(METADATA)}", param, context
            )
        return kinds


quality_option = click.option(
    "-q",
    "--quality",
    type=click.FloatRange(0, QUALITY_MAX),
    default=DEFAULTS.quality,
    show_default=True,
    help="0 is the smallest file, 100 the best picture.",
)


effort_option = click.option(
    "-e",
    "--effort",
    type=click.IntRange(0, EFFORT_MAX),
    default=DEFAULTS.effort,
    show_default=True,
    help="0 is the fastest, 9 the smallest file for a quality.",
)


content_option = click.option(
    "--content",
    type=ContentName((*CONTENTS, "jxl")),
    metavar=f"{'|'.join((*CONTENTS, FOREIGN_NAME))}",
    default=DEFAULTS.content,
    show_default=True,
    help="Codec below the filter; with --lossless also jxl.",
)


tune_option = click.option(
    "--tune",
    type=click.Choice(TUNES),
    default=DEFAULTS.tune,
    show_default=True,
    help="What to spend bits for: the squared error, or what people see.",
)


device_option = click.option(
    "--device",
    type=click.Choice(DEVICES),
    default=DEFAULTS.device,
    show_default=True,
    help="Where the encoder searches; decoding needs no GPU.",
)
