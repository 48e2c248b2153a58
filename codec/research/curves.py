"""Rate-distortion curves: means over images, read from result files and from the anchors.

A curve is named by a file and, where the file has several, what follows it:

    FILE.tsv                 every codec and effort in it
    FILE.tsv:CODEC[:EFFORT]  those of one codec, or one codec and effort
    FILE.csv[:CODEC]         points with the columns bpp and the metric, and maybe codec
    FILE.json:NAME           one anchor, a curve of means
"""

from __future__ import annotations

import csv
import dataclasses
import json
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from codec.research.tables import Row, read_rows

_SPEC = re.compile(r"(?P<file>.+?\.(tsv|csv|json))(:(?P<name>.+))?")


class CurveError(Exception):
    """A curve that is not there, or one that cannot be used."""


@dataclasses.dataclass(frozen=True)
class RatePoint:
    """A rate and what is had for it."""

    bpp: float
    value: float  # of the metric, in its own unit


@dataclasses.dataclass(frozen=True)
class RateCurve:
    """One codec at one effort; `images` is empty where only the means are known."""

    label: str
    points: tuple[RatePoint, ...]
    images: dict[str, tuple[RatePoint, ...]]
    is_anchor: bool

    def over(self, images: Iterable[str]) -> RateCurve:
        """The same curve on fewer images."""
        kept = {name: self.images[name] for name in sorted(images)}
        return dataclasses.replace(self, points=_means(kept), images=kept)


def read_curves(spec: str, metric: str) -> list[RateCurve]:
    """The curves that a command line argument names; raises CurveError where there are none."""
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise CurveError(
            f"{spec}: not FILE.tsv[:CODEC[:EFFORT]], FILE.csv[:CODEC] or FILE.json:NAME"
        )
    path, name = Path(match["file"]), match["name"] or ""
    if path.suffix == ".json":
        return [_anchor(path, name, metric)]
    if path.suffix == ".csv":
        return _points_of_others(path, name, metric)
    codec, _, effort = name.partition(":")
    rows = [
        row for row in read_rows(path) if codec in ("", row.codec) and effort in ("", row.effort)
    ]
    if not rows:
        raise CurveError(f"{spec}: no such rows")
    return curves_of(rows, metric)


def is_measured(path: Path, metric: str) -> bool:
    """Whether all rows of a table have a figure of that metric: older tables lack some."""
    return all(math.isfinite(getattr(row, metric)) for row in read_rows(path))


def curves_of(rows: list[Row], metric: str) -> list[RateCurve]:
    """A curve for each codec and effort, in the order of their names."""
    return [
        _measured([row for row in rows if (row.codec, row.effort) == key], metric)
        for key in sorted({(row.codec, row.effort) for row in rows})
    ]


def read_curve(spec: str, metric: str) -> RateCurve:
    """The one curve that a command line argument names."""
    curves = read_curves(spec, metric)
    if len(curves) > 1:
        labels = ", ".join(curve.label for curve in curves)
        raise CurveError(f"{spec}: has {labels}; choose one with FILE.tsv:CODEC[:EFFORT]")
    return curves[0]


def over_common_images(curves: list[RateCurve]) -> list[RateCurve]:
    """All curves over the images they share; anchors, which have none, stay as they are."""
    measured = [curve.images.keys() for curve in curves if not curve.is_anchor]
    common = set[str]().union(*measured).intersection(*measured)
    if measured and not common:
        labels = ", ".join(curve.label for curve in curves if not curve.is_anchor)
        raise CurveError(f"no image in common: {labels}")
    return [curve if curve.is_anchor else curve.over(common) for curve in curves]


def _measured(rows: list[Row], metric: str) -> RateCurve:
    """Keeps the images that have every quality, so that each mean is over the same images."""
    label = f"{rows[0].codec} effort {rows[0].effort}" if rows[0].effort else rows[0].codec
    qualities = sorted({row.quality for row in rows})
    points = {(row.image, row.quality): RatePoint(row.bpp, getattr(row, metric)) for row in rows}
    for (image, quality), point in points.items():
        if not math.isfinite(point.value):
            raise CurveError(f"{label}: {metric} of {image} at {quality:g} is {point.value}")
    images = {
        image: tuple(points[image, quality] for quality in qualities)
        for image in sorted({row.image for row in rows})
        if all((image, quality) in points for quality in qualities)
    }
    if not images:
        raise CurveError(f"{label}: no image has all its qualities")
    return RateCurve(label, _means(images), images, is_anchor=False)


def _points_of_others(path: Path, name: str, metric: str) -> list[RateCurve]:
    """Curves of means that others have measured, each in the order of its rates."""
    found: dict[str, list[RatePoint]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                point = RatePoint(float(row["bpp"]), float(row[metric]))
                found.setdefault(row.get("codec") or path.stem, []).append(point)
    except (KeyError, TypeError, ValueError):
        raise CurveError(f"{path}: no table with numbers in the columns bpp, {metric}") from None
    chosen = {label: points for label, points in found.items() if name in ("", label)}
    if not chosen:
        raise CurveError(f"{path}: choose one with FILE.csv:CODEC from {', '.join(found)}")
    return [
        RateCurve(label, tuple(sorted(points, key=lambda point: point.bpp)), {}, is_anchor=True)
        for label, points in chosen.items()
    ]


def _anchor(path: Path, name: str, metric: str) -> RateCurve:
    """Published anchors are lists of pairs, measured ones lists of objects."""
    if metric != "psnr_db":
        raise CurveError(f"{path}: anchors have no {metric}")
    try:
        anchors: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        kind = "measured" if "codecs" in anchors else "published"
        anchors = anchors.get("codecs", anchors)
        if name not in anchors:
            raise CurveError(f"{path}: choose one with FILE.json:NAME from {', '.join(anchors)}")
        pairs = (
            [(point["bpp"], point["psnr"]) for point in anchors[name]]
            if kind == "measured"
            else anchors[name]["points"]
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CurveError(f"{path}: not a file of anchors") from None
    points = tuple(RatePoint(bpp, value) for bpp, value in pairs)
    return RateCurve(f"{name} ({kind})", points, images={}, is_anchor=True)


def _means(images: dict[str, tuple[RatePoint, ...]]) -> tuple[RatePoint, ...]:
    """One point per quality, which the images have in the same order."""
    return tuple(
        RatePoint(
            bpp=sum(point.bpp for point in points) / len(points),
            value=sum(point.value for point in points) / len(points),
        )
        for points in zip(*images.values(), strict=True)
    )
