"""What each command prints with `--json`: the names of fields, and what each holds.

A list shows the shape of its items; a text in angle brackets is what a value is. An object with one
name in angle brackets has names of its own, such as metrics.
"""

from typing import Any

from mlzone_tools.cli.model_shapes import MODEL_SHAPES, VERSION

_STACK = {
    "stack": "<name>",
    "account": "<12 digits>",
    "region": "<Region>",
    "status": "<CloudFormation's status, or MISSING>",
}
_RESOURCE = {"stack": "<name>", "type": "<CloudFormation type>", "name": "<physical name>"}
_REMOVAL = {"stacks": ["<name>"], "kept": [_RESOURCE]}
_SYNTHESIS = {
    "folder": "<path>",
    "stacks": ["<name>"],
    "resources": "<number>",
    "seconds": "<number>",
    "findings": [
        {
            "rule": "<id>",
            "severity": "<error or warning>",
            "construct": "<path>",
            "description": "<text>",
        }
    ],
    "acknowledged": "<number of findings that waivers acknowledge>",
}
_CHECK = {
    "folder": "<path>",
    "stacks": ["<name>"],
    "resources": "<number>",
    "seconds": "<number>",
    "counts": {"<pass, fail, waived, not-applicable or error>": "<number>"},
    "waivers": {
        "waivers": "<number>",
        "per_hundred_resources": "<number>",
        "oldest_days": "<days since the oldest was granted>",
        "next_expiry": "<day, or null>",
    },
    "answers": [
        {
            "pack": "<mlzone, or the pack of cdk-nag>",
            "rule": "<id>",
            "control": "<id, or empty>",
            "severity": "<fatal, high, medium or error>",
            "verdict": "<pass, fail, waived, not-applicable or error>",
            "place": "<stack/LogicalId, or path of the construct>",
            "file": "<template, or empty>",
            "message": "<text>",
            "fix": "<text>",
            "waiver": "<reason, ticket, last day and owner, or empty>",
        }
    ],
}
_CHAIN = {
    "name": "<unit/model, or platform>",
    "records": "<number>",
    "head": "<SHA-256 of the last record>",
    "problems": [{"record": "<number, or 0 for the whole chain>", "what": "<text>"}],
}
_BINDER = {
    "version": VERSION,
    "team": "<name>",
    "risk_tier": "<1, 2 or 3>",
    "approvers": ["<person>"],
    "card": {"<part of SageMaker's model card>": "<content>"},
    "records": [
        {
            "number": "<number in the chain>",
            "content": {"<name>": "<what the record says: docs/evidence.md>"},
            "hash": "<SHA-256>",
            "canonical": "<whether it is written as the recorder writes>",
            "versions": "<how often its object was written>",
            "deleted": "<whether somebody put a delete marker on it>",
        }
    ],
    "chain": _CHAIN,
    "waivers": [
        {
            "rule": "<id>",
            "resource": "<pattern>",
            "reason": "<text>",
            "owner": "<person>",
            "ticket": "<id>",
            "granted": "<day>",
            "expires": "<day>",
        }
    ],
    "frameworks": [
        {
            "framework": "<id>",
            "title": "<name>",
            "controls": [
                {
                    "control": "<id>",
                    "statement": "<text>",
                    "parts": ["<what of the framework asks for it>"],
                    "status": "<recorded, held, missing or not held>",
                    "evidence": "<text>",
                }
            ],
        }
    ],
}
_DRIFT = {
    "place": "<whose it is>",
    "stack": "<name>",
    "account": "<12 digits>",
    "type": "<CloudFormation type>",
    "name": "<physical name>",
    "status": "<MODIFIED or DELETED>",
    "differences": [{"property": "<path>", "expected": "<value>", "actual": "<value>"}],
}
_DEPLOYED = {
    "environment": "<dev, staging or prod>",
    "stacks": ["<name>"],
    "approved_by": ["<person>"],
    "removed": ["<stack that the plan took away>"],
}
_INSPECTION = {
    "monitor": "<data-quality, model-quality, bias or explainability>",
    "job": "<name of the processing job>",
    "status": "<Completed, CompletedWithViolations, Failed or Stopped>",
    "scheduled": "<time>",
    "reason": "<why it failed, or empty>",
    "output": "<S3 URI of its reports, or empty>",
}
_SPREAD = {"median": "<hours>", "p90": "<hours>", "count": "<number>"}
"""Null where nothing was measured."""
_DELIVERY = {
    "scope": "<unit/model, the team, or all>",
    "builds": "<number>",
    "versions": "<number registered>",
    "approved": "<number>",
    "releases": "<number validated in production>",
    "releases_per_week": "<number>",
    "lead_time": _SPREAD,
    "first_release": _SPREAD,
    "change_failure_rate": "<share, or null>",
    "time_to_restore": _SPREAD,
    "phases": {
        "build": _SPREAD,
        "decision": _SPREAD,
        "staging": _SPREAD,
        "production": _SPREAD,
    },
    "waiting": "<number of versions that wait for a decision now>",
    "longest_wait_hours": "<number or null>",
    "drifts": "<number>",
    "retrainings": "<number>",
}
_ACCESS_CHANGE = {
    "kind": "<person, role, system, resource or guardrail>",
    "subject": "<person, name of a role, ARN of a resource, or policy/statement>",
    "where": "<account and environment, or empty>",
    "what": "<what can be done>",
}
_SIDE = {
    "revision": "<commit, or working tree>",
    "estate": "<digest>",
    "code": "<digest of what makes the templates>",
}
_DANGER = "<danger, caution or note>"
_PLAN = {
    "format": "<number; raised when the shape changes>",
    "day": "<the day against which allowances were judged>",
    "base": _SIDE,
    "head": _SIDE,
    "changed": "<true or false>",
    "blockers": [{"what": "<text>", "fix": "<text>"}],
    "approvals": [
        {
            "role": "<security officer, risk officer or owner of a unit, platform administrator "
            "or finops>",
            "people": ["<person; any one of them>"],
            "reasons": ["<text>"],
        }
    ],
    "estate": [
        {
            "danger": _DANGER,
            "verb": "<added, removed, changed, moved or renamed>",
            "kind": "<such as team, person or model>",
            "subject": "<such as unit/team>",
            "field": "<such as budget.monthly_usd, or empty>",
            "before": "<text, or empty>",
            "after": "<text, or empty>",
            "note": "<what follows from it, or empty>",
        }
    ],
    "resources": [
        {
            "danger": _DANGER,
            "effect": "<added, changed, replaced, deleted or kept>",
            "stack": "<name>",
            "type": "<CloudFormation type>",
            "logical_id": "<id>",
            "properties": ["<property that differs, or that replaces it>"],
            "loss": "<what is lost with it, or empty>",
            "allowed": "<ticket of the allowance, or empty>",
        }
    ],
    "access": {"gained": [_ACCESS_CHANGE], "lost": [_ACCESS_CHANGE]},
    "findings": [
        {
            "danger": _DANGER,
            "what": "<finding or waiver>",
            "verb": "<added, removed or changed>",
            "rule": "<id>",
            "where": "<construct, or the waiver's pattern>",
            "text": "<text>",
        }
    ],
    "cost": {
        "before": "<US dollars a month>",
        "after": "<US dollars a month>",
        "complete": "<whether every price was known>",
        "lines": [
            {
                "scope": "<unit/environment, unit/team or unit/model>",
                "item": "<what>",
                "before": "<US dollars a month, or null>",
                "after": "<US dollars a month, or null>",
                "problem": "<which price is missing, or empty>",
            }
        ],
        "assumptions": ["<text>"],
        "priced": "<the day of the prices, and where they come from>",
    },
    "quotas": [
        {
            "account": "<12 digits>",
            "region": "<Region>",
            "quota": "<what>",
            "code": "<service/code>",
            "limit": "<number>",
            "needed": "<number>",
            "request": "<the command that asks AWS for more>",
        }
    ],
    "stacks": [
        {
            "stack": "<name>",
            "verb": "<added, changed or removed>",
            "account": "<12 digits>",
            "region": "<Region>",
            "digest": "<of its new template, or empty>",
        }
    ],
    "removals": ["<stack; in the order in which they go>"],
}
_VARIABLES = {"<name of an environment variable>": "<value>"}

SHAPES: dict[str, Any] = {
    "init": ["<path of a file that was written>"],
    "schema": "<the JSON schema; with --write the paths of the files>",
    "validate": {
        "valid": "<true or false>",
        "problems": [
            {
                "place": {"file": "<path>", "line": "<number>", "column": "<number>"},
                "path": "<field>",
                "message": "<text>",
            }
        ],
        "units": "<number>",
        "teams": "<number>",
        "people": "<number>",
        "models": "<number>",
        "waivers": "<number>",
    },
    "synth": _SYNTHESIS,
    "check": _CHECK,
    "access prove": {
        "theorems": [
            {
                "id": "<id>",
                "statement": "<text>",
                "controls": ["<id of a control>"],
                "status": "<proved, refuted, vacuous or unknown>",
                "cases": "<number of statements that were proved for it>",
                "seconds": "<number>",
                "counterexample": {
                    "case": "<where>",
                    "principal": "<ARN>",
                    "action": "<service:Action>",
                    "resource": "<ARN or *>",
                    "context": {"<condition key>": "<value>"},
                    "decision": "<what the evaluator says of the request>",
                },
            }
        ],
        "without": "<statement that was left out, or empty>",
        "seconds": "<number>",
    },
    "access who-can": [
        {
            "role": "<ARN>",
            "resource": "<ARN or *>",
            "reason": "<the statement that allows it>",
            "people": [
                {
                    "role": "<ARN of a role of people>",
                    "steps": [
                        {
                            "source": "<ARN of a role>",
                            "target": "<ARN of the role that something runs in>",
                            "how": "<text>",
                            "control": "<whether the caller decides what runs there>",
                        }
                    ],
                }
            ],
        }
    ],
    "access explain": [
        {
            "role": "<ARN>",
            "action": "<service:Action>",
            "resource": "<ARN or *>",
            "decision": {
                "allowed": "<true or false>",
                "layer": "<kind of the policy that decides>",
                "explicit": "<whether a statement decides>",
                "policy": "<name, or empty>",
                "statement": "<id, or empty>",
                "reason": "<text>",
            },
            "chain": [
                {
                    "layer": "<kind of policy>",
                    "policy": "<name>",
                    "statement": "<id>",
                    "effect": "<Allow or Deny>",
                    "applies": "<true or false>",
                }
            ],
        }
    ],
    "access diff": {"gained": [_ACCESS_CHANGE], "lost": [_ACCESS_CHANGE]},
    "plan": _PLAN,
    "codeowners": {"file": "<path, or empty>", "content": "<text>"},
    "drift": [_DRIFT],
    "migrate models": [
        {
            "line": "<number in the manifest>",
            "model": "<unit/model>",
            "status": "<registered, submitted, building, refused, failed or checked>",
            "detail": "<the version, or why not>",
        }
    ],
    "migrate users": {
        "joining": [
            {"unit": "<name>", "team": "<name>", "persona": "<persona>", "person": "<person>"}
        ],
        "already": "<number of people who are there already>",
        "unplaced": [
            {"person": "<person>", "line": "<line of the export>", "reason": "<text>"},
        ],
    },
    "deploy": {"stacks": ["<name>"]},
    "change plan": _PLAN,
    "change comment": {
        "comment": "<id at the provider>",
        "changed": "<true or false>",
        "blocked": "<true or false>",
    },
    "change deploy": _DEPLOYED,
    "change verify": _DEPLOYED,
    "change drift": {
        "report": "<where it is kept>",
        "unit": "<unit>",
        "time": "<when the look was due>",
        "stacks": ["<stack that was compared>"],
        "missing": ["<stack that is not deployed>"],
        "drifts": [_DRIFT],
        "unseen": [{"place": "<whose it is>", "stack": "<name>", "reason": "<why not>"}],
    },
    "change approve": {
        "pipeline": "<name>",
        "action": "<stage/action>",
        "status": "<Approved or Rejected>",
        "person": "<person>",
    },
    "destroy": _REMOVAL,
    "status": [_STACK],
    "cloud up": {"url": "<URL>", "pid": "<number>", "accounts": ["<12 digits>"]},
    "cloud down": {"stopped": "<whether it was running>"},
    "cloud reset": {"reset": "<true>"},
    "cloud status": "<url, pid, status, clock, memory_mib, requests, errors, gaps and denials; "
    "stopped: only status>",
    "cloud advance": "<clock: the new time; what fell due>",
    "cloud env": _VARIABLES,
    "cloud bootstrap": [{"name": "<name>", "account": "<12 digits>", "region": "<Region>"}],
    "cloud images": {"images": ["<repository:version>"]},
    **MODEL_SHAPES,
    "monitor list": [_INSPECTION],
    "monitor run": {"run": _INSPECTION, "sentences": ["<what it found, the most important first>"]},
    "monitor explain": "<the analyzer's explanation.json: see monitoring.md>",
    "monitor report": {"job": "<name>", "file": "<path>"},
    "monitor baseline": {
        "release": "<id>",
        "folder": "<S3 URI>",
        "digest": "<SHA-256 of the folder's manifest>",
        "records": "<number that the model learned from>",
        "features": ["<name>"],
        "analyzer": "<image>",
    },
    "kpi": {
        "events": "<number in the period>",
        "since": "<time, or null for all>",
        "total": _DELIVERY,
        "models": [_DELIVERY],
        "published": "<number of models in production>",
        "people": "<number of people at work in the period>",
        "monitored": "<number of published models whose monitor runs>",
        "templates": [
            {"template": "<name>", "models": "<number>", "published": "<number of them>"}
        ],
        "waivers": {
            "count": "<number>",
            "oldest_days": "<days since the oldest was granted>",
            "next_expiry": "<date, or null>",
        },
    },
    "evidence binder": _BINDER,
    "evidence verify": [_CHAIN],
    "kpi --events": [
        {
            "id": "<id of the event>",
            "model": "<unit/model>",
            "team": "<team>",
            "kind": "<such as Model Approved>",
            "time": "<time>",
            "environment": "<environment>",
            "actor": "<who>",
            "version": "<ARN of the model package, or empty>",
        }
    ],
    "doctor": [
        {
            "name": "<what>",
            "health": "<ok, warning or problem>",
            "finding": "<text>",
            "advice": "<text, or empty>",
        }
    ],
    "demo": [
        {
            "name": "<step>",
            "title": "<text>",
            "status": "<passed, failed or skipped>",
            "seconds": "<number>",
            "facts": {"<name>": "<value>"},
            "problem": "<text, or empty>",
        }
    ],
}
"""By command; `kpi --events` is `kpi` with that option, and so on."""
