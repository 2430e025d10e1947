"""A check as JUnit XML, which every build service shows: a suite for each rule."""

from itertools import groupby
from operator import attrgetter
from xml.etree import ElementTree as ET

from mlzone_tools.services.check.result import Answer, Check, Verdict

_RESULTS = {
    Verdict.FAIL: "failure",
    Verdict.ERROR: "error",
    Verdict.WAIVED: "skipped",
    Verdict.NOT_APPLICABLE: "skipped",
}


def junit(check: Check) -> str:
    """Return the test suites as a document."""
    root = ET.Element("testsuites", name="mlzone check", time=str(check.seconds))
    ordered = sorted(check.answers, key=attrgetter("pack", "rule"))
    for (pack, rule), group in groupby(ordered, key=attrgetter("pack", "rule")):
        _suite(root, f"{pack} {rule}", list(group))
    _count(root, check.answers)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True)


def _suite(root: ET.Element, name: str, answers: list[Answer]) -> None:
    suite = ET.SubElement(root, "testsuite", name=name)
    _count(suite, answers)
    for answer in answers:
        case = ET.SubElement(
            suite, "testcase", classname=answer.rule, name=answer.place or "no such resource"
        )
        result = _RESULTS.get(answer.verdict)
        if result:
            said = answer.waiver or answer.message or "nothing that it is about"
            element = ET.SubElement(case, result, message=said)
            element.text = answer.fix or None


def _count(element: ET.Element, answers: tuple[Answer, ...] | list[Answer]) -> None:
    results = [_RESULTS.get(answer.verdict) for answer in answers]
    element.set("tests", str(len(answers)))
    element.set("failures", str(results.count("failure")))
    element.set("errors", str(results.count("error")))
    element.set("skipped", str(results.count("skipped")))
