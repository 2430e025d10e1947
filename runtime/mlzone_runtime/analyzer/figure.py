"""Draws a feature's distribution, then and now, as inline SVG."""

from collections.abc import Sequence
from html import escape
from itertools import pairwise

from mlzone_runtime.analyzer.comparison import Comparison, category_counts
from mlzone_runtime.analyzer.statistics import CategorySummary, NumberSummary
from mlzone_runtime.analyzer.wording import percent, show

_WIDTH, _LABEL, _ROW, _BAR = 640, 190, 30, 11
_MOST_ROWS = 12
_VALUE_SPACE = 60
_LONGEST_LABEL = 28

Row = tuple[str, float, float]
"""Label, share in the baseline, share in the window."""


def distribution(comparison: Comparison) -> str:
    """Return a chart with a pair of bars for each bucket or category."""
    rows = _rows(comparison)
    largest = max((max(before, now) for _, before, now in rows), default=0.0) or 1.0
    scale = (_WIDTH - _LABEL - _VALUE_SPACE) / largest
    bars = "".join(_bars(place, row, scale) for place, row in enumerate(rows))
    title = escape(f"Distribution of {comparison.feature.label}: baseline and window")
    height = _ROW * len(rows) + 4
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{title}">'
        f"<title>{title}</title>{bars}</svg>"
    )


def _bars(place: int, row: Row, scale: float) -> str:
    label, before, now = row
    label = escape(_shorten(label))
    top = _ROW * place + 4
    parts = [
        f'<text x="{_LABEL - 8}" y="{top + _BAR + 3}" class="label">{label}</text>',
    ]
    for number, (style, share) in enumerate((("then", before), ("now", now))):
        y, width = top + number * (_BAR + 1), round(share * scale, 1)
        parts.append(
            f'<rect x="{_LABEL}" y="{y}" width="{width}" height="{_BAR}" class="{style}"/>'
            f'<text x="{_LABEL + width + 4}" y="{y + _BAR - 1}" class="value">'
            f"{escape(percent(share))}</text>"
        )
    return "".join(parts)


def _shorten(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"


def _rows(comparison: Comparison) -> list[Row]:
    baseline, current = comparison.baseline, comparison.current
    if isinstance(baseline, NumberSummary) and isinstance(current, NumberSummary):
        return _pairs(_bucket_labels(baseline), baseline.counts.tolist(), current.counts.tolist())
    if not isinstance(baseline, CategorySummary) or not isinstance(current, CategorySummary):
        raise TypeError(f"{comparison.feature.name} changed its kind")
    values = [*dict.fromkeys((*baseline.counts, *current.counts)), "others"]
    before, now = category_counts(baseline, current)
    rows = _pairs(values, before.tolist(), now.tolist())
    rows = [row for row in rows if row[1] or row[2]]
    if len(rows) <= _MOST_ROWS:
        return rows
    rows.sort(key=lambda row: -max(row[1], row[2]))
    kept, rest = rows[: _MOST_ROWS - 1], rows[_MOST_ROWS - 1 :]
    return [*kept, ("others", sum(row[1] for row in rest), sum(row[2] for row in rest))]


def _bucket_labels(summary: NumberSummary) -> list[str]:
    cuts = [show(cut) for cut in summary.cuts.tolist()]
    if not cuts:
        return [show(summary.low)]
    between = [f"{low} to {high}" for low, high in pairwise(cuts)]
    return [f"below {cuts[0]}", *between, f"from {cuts[-1]}"]


def _pairs(labels: Sequence[str], before: list[float], now: list[float]) -> list[Row]:
    all_before, all_now = sum(before) or 1.0, sum(now) or 1.0
    return [
        (label, then / all_before, today / all_now)
        for label, then, today in zip(labels, before, now, strict=True)
    ]
