"""Charts of a page, as HTML and SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from codec.contract.report import TracePoint

WIDTH, HEIGHT, MARGIN = 640, 200, 8


def byte_bar(parts: Mapping[str, int]) -> str:
    """The parts of a file: a bar whose lengths are their bytes, and a table."""
    total = sum(parts.values())
    parts = {name: size for name, size in parts.items() if size}
    pieces = "".join(
        f'<i class="{name}" style="flex-grow:{size}"></i>' for name, size in parts.items()
    )
    rows = "".join(
        f'<tr><th><i class="key {name}"></i>{name}</th><td>{size:,}</td>'
        f"<td>{size / total:.1%}</td></tr>"
        for name, size in parts.items()
    )
    return (
        f'<div class="bar" role="img" aria-label="bytes per part">{pieces}</div>'
        f"<table>{rows}<tr><th>file</th><td>{total:,}</td><td></td></tr></table>"
    )


def searches(trace: Sequence[TracePoint]) -> str:
    """One curve per search: the cost of every step, in bits; empty if none has two to join."""
    costs: dict[str, list[float]] = {}
    for point in trace:
        costs.setdefault(point.stage, []).append(point.cost)
    return "".join(_curve(stage, found) for stage, found in costs.items() if len({*found}) > 1)


def _curve(stage: str, costs: Sequence[float]) -> str:
    low, high = min(costs), max(costs)
    across = (WIDTH - 2 * MARGIN) / max(len(costs) - 1, 1)
    down = (HEIGHT - 2 * MARGIN) / ((high - low) or 1)
    points = [
        (MARGIN + across * step, MARGIN + down * (high - cost)) for step, cost in enumerate(costs)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in points)
    return (
        f"<figure><figcaption><b>{stage}</b> {len(costs)} steps, "
        f"{low:,.0f} to {high:,.0f} bits</figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="cost of each step: {stage}">'
        f'<polyline points="{line}"/>{dots}</svg></figure>'
    )
