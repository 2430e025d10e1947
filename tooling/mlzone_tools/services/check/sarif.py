"""A check as SARIF 2.1.0, which code hosts show beside the lines of a pull request.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0.
"""

import inspect
from collections.abc import Iterable
from typing import Any

from mlzone import rules
from mlzone_tools.services.check.result import Answer, Check, Verdict

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_KINDS = {Verdict.PASS: "pass", Verdict.NOT_APPLICABLE: "notApplicable"}
_LEVELS = {"medium": "warning", "warning": "warning"}


def sarif(check: Check, version: str) -> dict[str, Any]:
    """Return a log with one run for each pack of rules."""
    packs = sorted({answer.pack for answer in check.answers})
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            _run(pack, [answer for answer in check.answers if answer.pack == pack], version)
            for pack in packs
        ],
    }


def _run(pack: str, answers: list[Answer], version: str) -> dict[str, Any]:
    listed = sorted({answer.rule for answer in answers})
    places = {rule: index for index, rule in enumerate(listed)}
    return {
        "tool": {
            "driver": {
                "name": pack,
                "semanticVersion": version,
                "rules": list(_rules(listed, answers)),
            }
        },
        "results": [_result(answer, places[answer.rule]) for answer in answers],
    }


def _rules(listed: Iterable[str], answers: list[Answer]) -> Iterable[dict[str, Any]]:
    own = {rule.id: rule for rule in rules.RULES}
    said = {answer.rule: answer.message for answer in answers}
    for name in listed:
        if name in own:
            lines = (inspect.getdoc(own[name]) or "").split("\n\n", maxsplit=1)
            yield {
                "id": name,
                "name": own[name].__name__,
                "shortDescription": {"text": lines[0]},
                "fullDescription": {"text": " ".join(lines[-1].split())},
                "help": {"text": own[name].fix},
                "properties": {"tags": [own[name].control]},
            }
        else:
            yield {"id": name, "shortDescription": {"text": said[name] or name}}


def _result(answer: Answer, index: int) -> dict[str, Any]:
    kind = _KINDS.get(answer.verdict, "fail")
    result: dict[str, Any] = {
        "ruleId": answer.rule,
        "ruleIndex": index,
        "kind": kind,
        "level": _LEVELS.get(answer.severity, "error") if kind == "fail" else "none",
        "message": {"text": _text(answer)},
    }
    if answer.place:
        location: dict[str, Any] = {
            "logicalLocations": [{"fullyQualifiedName": answer.place, "kind": "resource"}]
        }
        if answer.file:
            location["physicalLocation"] = {
                "artifactLocation": {"uri": answer.file},
                "region": {"startLine": 1},
            }
        result["locations"] = [location]
    if answer.verdict is Verdict.WAIVED:
        result["suppressions"] = [{"kind": "external", "justification": answer.waiver}]
    return result


def _text(answer: Answer) -> str:
    if not answer.message:
        return "holds" if answer.verdict is Verdict.PASS else "there is nothing that it is about"
    return f"{answer.message}. {answer.fix}" if answer.fix else answer.message
