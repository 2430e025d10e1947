"""Draws how a quantity went over the window, with the baseline's value, as inline SVG."""

from collections.abc import Mapping
from html import escape
from typing import Any

from mlzone_runtime.analyzer.wording import show

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 640, 170, 70, 20, 14, 30


def timeline(line: Mapping[str, Any], title: str) -> str:
    """Return a chart of the window's parts."""
    points = line["points"]
    values = [point["value"] for point in points]
    low, high = min([*values, line["baseline"]]), max([*values, line["baseline"]])
    span = (high - low) or 1.0
    wide, tall = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def place(number: int, value: float) -> tuple[float, float]:
        x = _LEFT + wide * number / (len(points) - 1)
        return round(x, 1), round(_TOP + tall * (1 - (value - low) / span), 1)

    at = [place(number, value) for number, value in enumerate(values)]
    path = " ".join(f"{x},{y}" for x, y in at)
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="4" class="now"/>' for x, y in at)
    level = place(0, line["baseline"])[1]
    said = escape(f"{title}: {line['quantity']} over the window; baseline {show(line['baseline'])}")
    start, end = (escape(point["start"][11:16]) for point in (points[0], points[-1]))
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{said}">'
        f"<title>{said}</title>"
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{level}" y2="{level}" class="level"/>'
        f'<polyline points="{path}" class="course"/>{dots}'
        f'<text x="{_LEFT - 8}" y="{_TOP + 4}" class="label">{escape(show(high))}</text>'
        f'<text x="{_LEFT - 8}" y="{_TOP + tall + 4}" class="label">{escape(show(low))}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 8}">{start}</text>'
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 8}" class="label">{end}</text></svg>'
    )
