"""A plot of how times grow with the estate, as SVG: both scales are logarithmic.

What is linear in the estate rises like the dotted line; what does not depend on its size is flat.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

_WIDTH, _HEIGHT = 760, 430
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 210, 24, 52
_LINES = {
    "synthesis CPU s": ("synthesis of everything", "#1b4965"),
    "proofs CPU s": ("proofs", "#7b2d8b"),
    "rules CPU s": ("rules", "#b5541c"),
    "synthesis, one team changed CPU s": ("synthesis, one team changed", "#2a9d8f"),
    "plan of one team CPU s": ("plan of one team's change", "#c1121f"),
    "reading CPU s": ("reading and checking", "#5c677d"),
}
"""The rows of the table that are drawn, each with its label and colour."""
_PEOPLE = "people"
_LEAST_GAP = 14


def plot(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the plot of a table that has a column for each size.

    Args:
        rows: what was measured, each with `what` and a figure for each size, or nothing.
    """
    table = {row["what"]: row for row in rows}
    sizes = [name for name in table[_PEOPLE] if name != "what"]
    people = {name: float(table[_PEOPLE][name]) for name in sizes}
    series = {
        what: [(people[name], float(table[what][name])) for name in sizes if table[what][name]]
        for what in _LINES
    }
    values = [y for points in series.values() for _, y in points]
    scale = _Scale(
        (min(people.values()), max(people.values())),
        (10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values)))),
    )
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
            'font-family="sans-serif" font-size="12" role="img">'
        ),
        "<title>CPU seconds by the number of people in the estate</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        *_axes(scale, people),
        *_linear(scale, series["synthesis CPU s"]),
        *_curves(scale, series),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


class _Scale:
    """Where figures lie on the picture."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        self.least_x, self.most_x = x
        self.least_y, self.most_y = y

    def x(self, value: float) -> float:
        share = math.log(value / self.least_x) / math.log(self.most_x / self.least_x)
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        share = math.log(value / self.least_y) / math.log(self.most_y / self.least_y)
        return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)


def _axes(scale: _Scale, people: Mapping[str, float]) -> list[str]:
    parts = []
    for power in range(round(math.log10(scale.least_y)), round(math.log10(scale.most_y)) + 1):
        y = scale.y(10.0**power)
        parts += [
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}" stroke="#ddd"/>',
            f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{10.0**power:g}</text>',
        ]
    for name, count in people.items():
        x = scale.x(count)
        parts += [
            f'<line x1="{x}" x2="{x}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}" stroke="#eee"/>',
            f'<text x="{x}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{count:,.0f}</text>',
            (
                f'<text x="{x}" y="{_HEIGHT - _BOTTOM + 34}" text-anchor="middle" fill="#777">'
                f"{name}</text>"
            ),
        ]
    return [*parts, f'<text x="{_LEFT - 50}" y="{_TOP - 8}">CPU seconds</text>']


def _linear(scale: _Scale, points: Sequence[tuple[float, float]]) -> list[str]:
    """Draw what would be linear, from the first point on."""
    (x, y), (last, _) = points[0], points[-1]
    return [
        (
            f'<line x1="{scale.x(x)}" y1="{scale.y(y)}" x2="{scale.x(last)}" '
            f'y2="{scale.y(y * last / x)}" stroke="#999" stroke-dasharray="2 4"/>'
        )
    ]


def _curves(scale: _Scale, series: Mapping[str, Sequence[tuple[float, float]]]) -> list[str]:
    parts = []
    labels = []
    for what, points in series.items():
        label, colour = _LINES[what]
        places = [(scale.x(x), scale.y(y)) for x, y in points]
        line = " ".join(f"{x},{y}" for x, y in places)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in places]
        labels.append((places[-1], label, colour))
    lowest: dict[float, float] = {}
    for (x, y), label, colour in sorted(labels, key=lambda item: item[0][1]):
        # A label stands beside the end of its line, and on no other label.
        at = lowest[x] = max(y + 4, lowest.get(x, 0) + _LEAST_GAP)
        parts.append(f'<text x="{x + 8}" y="{round(at, 1)}" fill="{colour}">{label}</text>')
    return parts
