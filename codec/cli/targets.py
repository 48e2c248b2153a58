"""What `encode` aims for: a quality, or one of the targets in its place."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from click.core import ParameterSource

from codec.cli.sizes import BYTES
from codec.contract.targets import Lambda, MaxBpp, MaxBytes, MinPsnr, MinSsimulacra2, Target
from codec.errors import OptionError

KINDS: dict[str, Callable[[float], Target]] = {
    "--lambda": Lambda,
    "--target-bpp": MaxBpp,
    "--target-psnr": MinPsnr,
    "--target-ssimulacra2": MinSsimulacra2,
}


def target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of all targets, which a command receives as one `target`; None: its quality."""

    @wraps(command)
    def with_target(**values: Any) -> Any:
        given = {
            flag: values.pop(flag.removeprefix("--").replace("-", "_"))
            for flag in (*KINDS, "--target-size")
        }
        given = {flag: value for flag, value in given.items() if value is not None}
        source = click.get_current_context().get_parameter_source("quality")
        flags = (["--quality"] if source == ParameterSource.COMMANDLINE else []) + list(given)
        if values.get("lossless"):
            flags.insert(0, "--lossless")
        if len(flags) > 1:
            raise click.UsageError(f"{' and '.join(flags)} exclude each other")
        return command(**values, target=_aim(given))

    options = (
        click.option(
            "--lambda", type=float, metavar="L", help="Bits per pixel worth one squared error."
        ),
        click.option("--target-bpp", type=float, metavar="X", help="At most X bits per pixel."),
        click.option("--target-size", type=BYTES, metavar="N[K|M]", help="At most N bytes."),
        click.option("--target-psnr", type=float, metavar="DB", help="At least so many decibels."),
        click.option(
            "--target-ssimulacra2",
            type=float,
            metavar="N",
            help="At least that: 90 is as good as equal, 70 high, 50 medium quality.",
        ),
    )
    for option in reversed(options):
        with_target = option(with_target)
    return with_target


def _aim(given: dict[str, Any]) -> Target | None:
    for flag, value in given.items():
        try:
            return KINDS[flag](value) if flag in KINDS else MaxBytes(value)
        except OptionError as error:
            raise click.BadParameter(str(error), param_hint=f"'{flag}'") from error
    return None


time_limit_option = click.option(
    "--time-limit",
    type=click.FloatRange(0, min_open=True),
    metavar="S",
    help="Settle for the best found in S seconds, about.",
)
