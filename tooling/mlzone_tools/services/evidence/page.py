"""The binder as one page that stands alone, on a screen and on paper."""

import json
from typing import Any

from jinja2 import Environment

from mlzone_tools.services.evidence.binder import Binder

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Evidence: {{ it.version.model }} version {{ it.version.version }}</title>
<style>
:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #cf222e; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; overflow-wrap: anywhere;
  border-top: 1px solid var(--line); }
th, .log td:not(:last-child) { white-space: nowrap; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .8rem; }
.recorded, .held, .whole { color: var(--good); } .missing, .broken, .not { color: var(--bad); }
@media print {
  body { margin: 0; max-width: none; } h2 { break-after: avoid; } tr { break-inside: avoid; }
}
@media (max-width: 40rem) { table { display: block; overflow-x: auto; } }
</style></head><body>
<h1>Evidence of {{ it.version.model }}, version {{ it.version.version }}</h1>
<p>{{ it.version.status }}{% if it.version.decided_by %} by {{ it.version.decided_by }}{% endif %}.
Written by {{ it.version.author }} of {{ it.team }}; risk tier {{ it.risk_tier }};
second line: {{ it.approvers|join(", ") }}.</p>
<p class="{{ 'broken' if it.chain.problems else 'whole' }}">
The chain has {{ it.chain.records }} records and
{% if it.chain.problems %}{{ it.chain.problems|length }} problems{% else %}is whole{% endif %};
its head is <code>{{ it.chain.head }}</code>.</p>
{% if it.chain.problems %}<ul>{% for problem in it.chain.problems %}
<li class="broken">record {{ problem.record }}: {{ problem.what }}</li>{% endfor %}</ul>{% endif %}

<h2>Data and code</h2>
<table>{% for name, value in it.version.metadata.items()|sort %}
<tr><th>{{ name }}</th><td>{{ value }}</td></tr>{% endfor %}
<tr><th>version</th><td>{{ it.version.arn }}</td></tr></table>

{% for title, found in sections %}
<h2>{{ title }}</h2>
{% if found %}<table class="log">
<tr><th>record</th><th>time</th><th>what</th><th>where</th><th>who</th><th>facts</th></tr>
{% for item in found %}<tr><td>{{ item.number }}</td><td>{{ item.content.time }}</td>
<td>{{ item.kind }}</td><td>{{ item.content.environment }}</td><td>{{ item.content.actor }}</td>
<td>{% for name, value in item.content.facts.items() %}
{{ name }}: {{ value|said }}<br>{% endfor %}</td>
</tr>{% endfor %}</table>{% else %}<p>Nothing is recorded.</p>{% endif %}
{% endfor %}

<h2>Model card</h2>
{% if it.card %}<pre>{{ card }}</pre>
{% else %}<p class="missing">The version has none.</p>{% endif %}

<h2>Accepted findings of the platform</h2>
<table><tr><th>rule</th><th>where</th><th>why</th><th>until</th><th>who</th></tr>
{% for waiver in it.waivers %}<tr><td>{{ waiver.rule }}</td><td>{{ waiver.resource }}</td>
<td>{{ waiver.reason }} ({{ waiver.ticket }})</td><td>{{ waiver.expires }}</td>
<td>{{ waiver.owner }}</td></tr>{% endfor %}</table>

{% for table in it.frameworks %}
<h2>{{ table.title }}</h2>
<table><tr><th>control</th><th>holds</th><th>asked for by</th><th>status</th><th>evidence</th></tr>
{% for row in table.controls %}<tr><td>{{ row.control }}</td><td>{{ row.statement }}</td>
<td>{{ row.parts|join(", ") }}</td><td class="{{ row.status }}">{{ row.status }}</td>
<td>{{ row.evidence }}</td></tr>{% endfor %}</table>
{% endfor %}
<p>Which article a control answers is a working map: counsel confirms it.</p>
</body></html>
"""


def page(it: Binder) -> str:
    """Return the binder as HTML."""
    sections = (
        ("Training", it.of("Build", "Model Registered")),
        ("Approvals", it.of("Model Approved", "Model Rejected", "Approval")),
        ("Deployments", it.of("Release", "Model Stop")),
        ("Monitoring and what was done", it.of("Monitor", "Drift", "Finding", "Retraining")),
    )
    card = json.dumps(it.card, indent=1, ensure_ascii=False, sort_keys=True)
    environment = Environment(autoescape=True)
    environment.filters["said"] = _said
    return environment.from_string(_PAGE).render(it=it, sections=sections, card=card)


def _said(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
