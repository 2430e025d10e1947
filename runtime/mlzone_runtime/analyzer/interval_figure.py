"""Draws values with their intervals, then and now, as inline SVG."""

from collections.abc import Mapping, Sequence
from html import escape

from mlzone_runtime.analyzer.wording import show

_WIDTH, _LABEL, _ROW, _RIGHT = 640, 210, 40, 60

Line = tuple[str, Mapping[str, float], Mapping[str, float]]
"""Label, and value, low and high of the baseline and of the window."""


def intervals(lines: Sequence[Line], *, shares: bool = True) -> str:
    """Return a chart with two marks on each line: the baseline's and the window's.

    Args:
        lines: What is drawn.
        shares: Whether the values are shares, which are drawn from 0 to 1.
    """
    lows = [side["low"] for _, *sides in lines for side in sides]
    highs = [side["high"] for _, *sides in lines for side in sides]
    # Shares are seen against the whole; sizes of errors against the largest.
    low, high = min([0.0, *lows]), max([1.0 if shares else 0.0, *highs])
    scale = (_WIDTH - _LABEL - _RIGHT) / ((high - low) or 1.0)
    rows = "".join(_line(place, line, low, scale) for place, line in enumerate(lines))
    height = _ROW * len(lines) + 4
    title = "Values with their 95 % intervals: baseline above, window below"
    return (
        '<p class="key soft">Value and 95 % interval:<span class="then"></span>baseline'
        '<span class="now"></span>this window</p>'
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{title}">'
        f"<title>{title}</title>{rows}</svg>"
    )


def _line(place: int, line: Line, low: float, scale: float) -> str:
    label, *sides = line
    top = _ROW * place + 12
    parts = [f'<text x="{_LABEL - 8}" y="{top + 12}" class="label">{escape(label[:34])}</text>']
    for number, (style, side) in enumerate(zip(("then", "now"), sides, strict=True)):
        y = top + 14 * number
        left, middle, right = (
            round(_LABEL + (side[name] - low) * scale, 1) for name in ("low", "value", "high")
        )
        parts.append(
            f'<rect x="{left}" y="{y - 1.5}" width="{max(1.0, round(right - left, 1))}" height="3" '
            f'class="{style}"/><circle cx="{middle}" cy="{y}" r="4.5" class="{style}"/>'
            f'<text x="{right + 8}" y="{y + 4}" class="value">{escape(show(side["value"]))}</text>'
        )
    return "".join(parts)


def bars(lines: Sequence[tuple[str, float, float]]) -> str:
    """Return a chart with two bars on each line: the baseline's and the window's."""
    largest = max((max(then, now) for _, then, now in lines), default=0.0) or 1.0
    scale = (_WIDTH - _LABEL - _RIGHT) / largest
    rows = []
    for place, (label, *sides) in enumerate(lines):
        top = 30 * place + 4
        rows.append(
            f'<text x="{_LABEL - 8}" y="{top + 14}" class="label">{escape(label[:34])}</text>'
        )
        for number, (style, value) in enumerate(zip(("then", "now"), sides, strict=True)):
            y, width = top + 12 * number, round(value * scale, 1)
            rows.append(
                f'<rect x="{_LABEL}" y="{y}" width="{width}" height="11" class="{style}"/>'
                f'<text x="{_LABEL + width + 4}" y="{y + 10}" class="value">'
                f"{escape(show(value))}</text>"
            )
    title = "Importance by feature: baseline above, window below"
    return (
        '<p class="key soft">Mean absolute contribution:<span class="then"></span>baseline'
        '<span class="now"></span>this window</p>'
        f'<svg viewBox="0 0 {_WIDTH} {30 * len(lines) + 4}" role="img" aria-label="{title}">'
        f"<title>{title}</title>{''.join(rows)}</svg>"
    )
