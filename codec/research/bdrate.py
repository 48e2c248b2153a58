"""Bjontegaard delta rate: how many more bits a codec needs than an anchor, at equal quality.

    nncodec research bdrate kodak-jpeg.tsv kodak-webp.tsv

ends with `-33.66 %`.  Each argument names one curve: FILE.tsv, or FILE.tsv:CODEC[:EFFORT] where the
file has several, FILE.csv for the points of others, or FILE.json:NAME for an anchor.  With several
tests there is a table of them.

Log rate is interpolated over quality with monotone cubics (PCHIP) and averaged over the range of
qualities that both curves have.  The last line compares the curves of means over the images that
both files have; the line before it is the mean of the comparisons image by image.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable, Sequence

import numpy as np
from scipy.interpolate import PchipInterpolator

from codec.research.curves import CurveError, RateCurve, RatePoint, over_common_images, read_curve
from codec.research.metrics import MEASURED
from codec.research.tables import TableError

Range = tuple[float, float]
EVERYWHERE: Range = (-math.inf, math.inf)


def main(arguments: Sequence[str] | None = None, program: str | None = None) -> int:
    """Runs the command on its arguments, those of the process by default; the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("anchor", metavar="ANCHOR")
    parser.add_argument("tests", nargs="+", metavar="TEST")
    parser.add_argument("--metric", choices=MEASURED, default="psnr_db", help="default: psnr_db")
    parser.prog = program or parser.prog
    args = parser.parse_args(arguments)
    try:
        curves = [read_curve(spec, args.metric) for spec in (args.anchor, *args.tests)]
        curves = over_common_images(curves)
        if len(curves) > 2:
            print_table(curves, args.metric)
        else:
            print_comparison(*curves, args.metric)
    except (CurveError, TableError, OSError) as error:
        print(f"bdrate: {error}", file=sys.stderr)
        return 1
    return 0


def print_comparison(anchor: RateCurve, test: RateCurve, metric: str) -> None:
    """Prints the points, the common range, the mean over images, and last the BD-rate."""
    anchor_points, test_points = (
        spread(anchor.points, metric),
        spread(test.points, metric),
    )
    low, high = common_range(anchor_points, test_points)
    for curve, points in ((anchor, anchor_points), (test, test_points)):
        print(curve.label)
        for point in points:
            print(f"  {point.bpp:7.4f} bpp  {point.value:7.3f}")
    print(f"common range: {low:.2f} to {high:.2f}, {MEASURED[metric].axis}")
    common = anchor.images.keys() & test.images.keys()
    if common:
        rates = [
            bd_rate(spread(anchor.images[name], metric), spread(test.images[name], metric))
            for name in sorted(common)
        ]
        print(f"mean of {len(rates)} images, each by itself: {np.mean(rates):+.2f} %")
    print(f"{bd_rate(anchor_points, test_points):+.2f} %")


def print_table(curves: list[RateCurve], metric: str) -> None:
    """Prints the BD-rate of each curve against the first one."""
    anchor, *tests = curves
    width = max(len(curve.label) for curve in tests)
    print(f"at equal {MEASURED[metric].label}, against {anchor.label}:")
    for curve in tests:
        try:
            rate = bd_rate(spread(anchor.points, metric), spread(curve.points, metric))
            print(f"{curve.label:{width}}  {rate:+7.2f} %")
        except CurveError as error:
            print(f"{curve.label:{width}}  {error}")


def spread(points: Iterable[RatePoint], metric: str) -> list[RatePoint]:
    """Points as curves are compared and drawn by."""
    return [RatePoint(point.bpp, MEASURED[metric].spread(point.value)) for point in points]


def bd_rate(anchor: list[RatePoint], test: list[RatePoint], within: Range = EVERYWHERE) -> float:
    """Rate of `test` over that of `anchor`, in percent: negative when it needs less.

    Args:
        anchor: points of a curve, their values as curves are compared by.
        test: those of the other.
        within: values between which they are compared, as far as both curves have them.

    Raises:
        CurveError: they have no such values in common, or are no curves.
    """
    low, high = common_range(anchor, test, within)
    areas = [log_rate(points).integrate(low, high) for points in (anchor, test)]
    return 100 * math.expm1((areas[1] - areas[0]) / (high - low))


def common_range(
    anchor: list[RatePoint], test: list[RatePoint], within: Range = EVERYWHERE
) -> Range:
    """Lowest and highest quality that both curves have."""
    if min(len(anchor), len(test)) < 2:
        raise CurveError("a curve needs two points or more")
    low = max(within[0], *(min(point.value for point in points) for points in (anchor, test)))
    high = min(within[1], *(max(point.value for point in points) for points in (anchor, test)))
    if low >= high:
        raise CurveError("the two curves have no range of qualities in common")
    return low, high


def log_rate(points: list[RatePoint]) -> PchipInterpolator:
    """Natural logarithm of the rate over quality; not a number outside the points."""
    points = sorted(points, key=lambda point: point.value)
    values = [point.value for point in points]
    if len(set(values)) < len(values):
        raise CurveError("a curve has the same quality twice")
    return PchipInterpolator(values, [math.log(point.bpp) for point in points], extrapolate=False)


if __name__ == "__main__":
    sys.exit(main())
