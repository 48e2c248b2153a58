r"""Draws rate-distortion curves over bits per pixel, means over the images common to all.

    nncodec research plot kodak-*.tsv anchors/kodak_published.json:elic2022 --out rd.png

draws a solid line per codec and effort, a dashed one per anchor.  At 0.6 bpp on Kodak, JPEG stands
at 30.4 dB and ELIC at 35.6 dB.  A curve is FILE.tsv[:CODEC[:EFFORT]] or FILE.json:NAME.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from codec.research.bdrate import spread
from codec.research.curves import CurveError, RateCurve, over_common_images, read_curves
from codec.research.metrics import MEASURED
from codec.research.tables import TableError


def main(arguments: Sequence[str] | None = None, program: str | None = None) -> int:
    """Runs the command on its arguments, those of the process by default; the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("curves", nargs="+", metavar="CURVE")
    parser.add_argument("--metric", choices=MEASURED, default="psnr_db", help="default: psnr_db")
    parser.add_argument("--out", type=Path, required=True, metavar="rd.png")
    parser.prog = program or parser.prog
    args = parser.parse_args(arguments)
    if args.out.suffix != ".png":
        parser.error(f"--out is a PNG file, not {args.out}")
    try:
        curves = [curve for spec in args.curves for curve in read_curves(spec, args.metric)]
        draw(over_common_images(curves), args.metric).savefig(args.out, dpi=150)
    except (CurveError, TableError, OSError) as error:
        print(f"plot_rd: {error}", file=sys.stderr)
        return 1
    return 0


def draw(curves: list[RateCurve], metric: str = "psnr_db") -> Figure:
    """A figure with a line for each curve."""
    figure = Figure(figsize=(10, 5.5), layout="constrained")
    axes = figure.subplots()
    for curve in curves:
        line, marker, width = ("--", "", 1.2) if curve.is_anchor else ("-", "o", 1.8)
        points = spread(curve.points, metric)
        rates, values = zip(*((point.bpp, point.value) for point in points), strict=True)
        axes.plot(
            rates, values, label=curve.label, ls=line, marker=marker, markersize=4, linewidth=width
        )
    axes.set_xlim(0, widest_bpp(curves))
    axes.set_xlabel("bits per pixel")
    axes.set_ylabel(MEASURED[metric].axis)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return figure


def widest_bpp(curves: list[RateCurve]) -> float:
    """Where the axis ends: anchors, which may go on to 5 bpp, do not stretch it."""
    own = [curve for curve in curves if not curve.is_anchor] or curves
    return 1.03 * max(point.bpp for curve in own for point in curve.points)


if __name__ == "__main__":
    sys.exit(main())
