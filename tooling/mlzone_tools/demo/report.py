"""The report of a story: JSON for machines, one HTML page for people."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment

from mlzone_tools.cli.output import plain
from mlzone_tools.demo.story import Outcome
from mlzone_tools.services.estate import write_text

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>MLOps Landing Zone: the demo</title>
<style>
:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #cf222e; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.1rem; margin: 0; }
.step { border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; margin: 1rem 0; }
.passed { color: var(--good); } .failed { color: var(--bad); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: .5rem 0 0; }
dt { opacity: .7; } dd { margin: 0; overflow-wrap: anywhere; }
.bar { height: .5rem; background: var(--good); border-radius: .25rem; min-width: 2px; }
iframe { width: 100%; height: 48rem; border: 1px solid var(--line); border-radius: .5rem; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } }
</style></head><body>
<h1>From YAML to a governed, monitored model in production</h1>
<p>{{ passed }} of {{ outcomes|length }} steps held, in {{ total }} seconds.</p>
{% for outcome in outcomes %}
<section class="step">
<h2>{{ loop.index }}. {{ outcome.title }}
<span class="{{ outcome.status }}">{{ outcome.status }}</span></h2>
<div class="bar" style="width: {{ (100 * outcome.seconds / longest)|round(1) }}%"></div>
<small>{{ outcome.seconds }} s</small>
{% if outcome.problem %}<p class="failed">{{ outcome.problem }}</p>{% endif %}
<dl>{% for name, value in outcome.facts.items() %}<dt>{{ name }}</dt><dd>{{ value }}</dd>
{% endfor %}</dl>
</section>
{% endfor %}
{% for name, content in pages.items() %}
<h2><a href="{{ name }}">{{ name }}</a></h2>
<iframe srcdoc="{{ content }}" title="{{ name }}"></iframe>
{% endfor %}
</body></html>
"""


def write(outcomes: list[Outcome], folder: Path, *, pages: Mapping[str, str]) -> tuple[Path, Path]:
    """Write `report.json` and `report.html`; return both files.

    Args:
        outcomes: how the steps went.
        folder: where the report goes.
        pages: further self-contained pages by file name; the report shows and links them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    total = round(sum(outcome.seconds for outcome in outcomes), 1)
    content: dict[str, Any] = {
        "passed": all(outcome.status == "passed" for outcome in outcomes),
        "seconds": total,
        "steps": plain(outcomes),
    }
    data, page = folder / "report.json", folder / "report.html"
    write_text(data, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    template = Environment(autoescape=True).from_string(_PAGE)
    write_text(
        page,
        template.render(
            outcomes=outcomes,
            total=total,
            longest=max([outcome.seconds for outcome in outcomes] + [0.1]),
            passed=sum(outcome.status == "passed" for outcome in outcomes),
            pages=pages,
        ),
    )
    for name, html in pages.items():
        write_text(folder / name, html)
    return data, page
