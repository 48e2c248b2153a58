"""Options of an encode, as commands that encode share them: the mode word by word, others whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from codec.contract.contents import CONTENTS, FOREIGN, LEARNED
from codec.contract.modes import FOREIGN_FORM, QUALITY_MAX, Lossy, Mode, Standard, mode_of
from codec.contract.options import DEVICES, EFFORT_MAX, METADATA, TUNES, EncodeOptions
from codec.contract.targets import Target

FOREIGN_NAME = f"{FOREIGN}:NAME:QUALITY"
UNKNOWN = Standard("jpeg")
"""Stands for the mode in options of an encode until that is known: it excludes the least."""


@dataclass(frozen=True)
class Wanted:
    """What kind of file a command line asks for, option by option; see `mode_of`."""

    quality: float = Lossy.quality
    target: Target | None = None
    content: str = LEARNED
    lossless: bool = False

    def mode(self, *, standard_file: bool = False) -> Mode:
        """The mode, once it is known whether a standard file is meant.  Raises OptionError."""
        return mode_of(**vars(self), standard_file=standard_file)


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
    default=Lossy.quality,
    show_default=True,
    help="0 is the smallest file, 100 the best picture.",
)


effort_option = click.option(
    "-e",
    "--effort",
    type=click.IntRange(0, EFFORT_MAX),
    default=EncodeOptions.effort,
    show_default=True,
    help="0 is the fastest, 9 the smallest file for a quality.",
)


content_option = click.option(
    "--content",
    type=ContentName((*CONTENTS, "jxl")),
    metavar=f"{'|'.join((*CONTENTS, FOREIGN_NAME))}",
    default=LEARNED,
    show_default=True,
    help="Codec below the filter; with --lossless also jxl.",
)


tune_option = click.option(
    "--tune",
    type=click.Choice(TUNES),
    default=EncodeOptions.tune,
    show_default=True,
    help="What to spend bits for: the squared error, or what people see.",
)


device_option = click.option(
    "--device",
    type=click.Choice(DEVICES),
    default=EncodeOptions.device,
    show_default=True,
    help="Where the encoder searches; decoding needs no GPU.",
)
