"""What is checked at every synthesis: cdk-nag and our own rules, with the estate's waivers."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import aws_cdk as cdk
import cdk_nag
import jsii
from constructs import IConstruct

from mlzone import rules
from mlzone.control import Severity
from mlzone.errors import GovernanceError
from mlzone.estate.waiver import Waiver
from mlzone.rules.waived import PREFIX, acknowledge
from mlzone.waiving import matches
from mlzone_constructs.governance import Governance
from mlzone_constructs.nag_findings import WILDCARD_RULE, role_policies

RULE_PLUGIN = "mlzone-rules"
"""The name of our own rules in reports."""


def add_checks(app: cdk.App, governance: Governance, *, whole: bool = True) -> None:
    """Add cdk-nag's packs and our own rules to an app; a finding fails the synthesis.

    Findings are acknowledged by the estate's waivers and by nothing else.

    Args:
        app: the app.
        governance: whose waivers hold.
        whole: whether our own rules are asked here, or by a caller who has the other parts.
    """
    checks = cdk.Validations.of(app)
    checks.add_plugins(cdk_nag.AwsSolutionsChecks(app), cdk_nag.NIST80053R5Checks(app))
    if whole:
        checks.add_plugins(RuleChecks(governance, complete=_complete(app)))
    waive(app, governance)


def _complete(app: cdk.App) -> bool:
    """Tell whether everything is built, so that a waiver that waives nothing is one too many."""
    return not any(app.node.try_get_context(key) for key in ("business_unit", "stacks"))


def waive(app: cdk.App, governance: Governance) -> None:
    """Acknowledge what the estate's waivers say on the constructs they name.

    Raises:
        GovernanceError: a waiver applies to nothing that is built, although everything is.
    """
    unused = {item for item in governance.estate.waivers if not item.rule.startswith(PREFIX)}
    for construct, findings in _waived(app, governance):
        unused -= {waiver for _, waiver in findings}
        _acknowledge(construct, dict(findings))
    if unused and _complete(app):
        listing = ", ".join(sorted(f"{item.rule} on {item.resource}" for item in unused))
        raise GovernanceError(f"orphaned waivers: {listing}", hint="remove them from waivers.yaml")


Waived = Iterator[tuple[IConstruct, list[tuple[str, Waiver]]]]
"""What is waived on a construct: each finding by its exact name, with the waiver."""


def _waived(app: cdk.App, governance: Governance) -> Waived:
    waivers = governance.estate.waivers
    wildcards = [item for item in waivers if item.rule.startswith(WILDCARD_RULE)]
    others = [
        item for item in waivers if item not in wildcards and not item.rule.startswith(PREFIX)
    ]
    for policy in role_policies(governance.roles):
        here = [waiver for waiver in wildcards if matches(waiver.resource, policy.path)]
        yield (
            policy.policy,
            [
                (finding, waiver)
                for waiver in here
                for finding in policy.findings
                if matches(waiver.rule, finding)
            ],
        )
    for waiver in others:
        if waiver.resource == "**":
            yield app, [(waiver.rule, waiver)]
            continue
        for construct in _constructs(app, waiver.resource):
            if cdk.CfnResource.is_cfn_resource(construct):
                yield construct, [(waiver.rule, waiver)]


def _constructs(app: cdk.App, pattern: str) -> Iterator[IConstruct]:
    """Yield the constructs whose path matches a pattern.

    The tree is large and each look at it crosses over to Node; therefore it is only entered where
    the pattern leads.
    """
    level: list[IConstruct] = [app]
    for segment in pattern.split("/"):
        if "**" in segment:
            for start in level:
                for construct in start.node.find_all():
                    if matches(pattern, construct.node.path):
                        yield construct
            return
        level = [child for construct in level for child in _children(construct, segment)]
    yield from level


def _children(construct: IConstruct, segment: str) -> list[IConstruct]:
    if segment == "*":
        return construct.node.children
    if "*" not in segment:
        child = construct.node.try_find_child(segment)
        return [child] if child else []
    return [child for child in construct.node.children if matches(segment, child.node.id)]


def _acknowledge(construct: IConstruct, findings: Mapping[str, Waiver]) -> None:
    """Acknowledge findings in one call, on the construct itself.

    The CDK looks at everything below the construct, once for each finding.
    """
    if findings:
        cdk.Validations.of(construct).acknowledge(
            *(
                cdk.Acknowledgment(
                    id=f"{finding.partition('[')[0].rpartition('-')[0]}::{finding}",
                    reason=waiver.acceptance,
                )
                for finding, waiver in findings.items()
            )
        )


@jsii.implements(cdk.IPolicyValidationPlugin)
class RuleChecks:
    """Our own rules over all templates of an app, with the estate's waivers."""

    def __init__(self, governance: Governance, *, complete: bool) -> None:
        self._waivers = governance.estate.waivers
        self._complete = complete

    @property
    def name(self) -> str:
        """The plugin's name in reports."""
        return RULE_PLUGIN

    @property
    def version(self) -> str:
        """The plugin's version."""
        return "1.0.0"

    @property
    def rule_ids(self) -> list[str]:
        """The rules it knows."""
        return [rule.id for rule in rules.RULES]

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Check the templates of an assembly, all at once."""
        paths = {
            Path(path).name.removesuffix(".template.json"): path for path in context.template_paths
        }
        assembly = rules.Assembly(
            tuple(rules.read_template(Path(path), name) for name, path in paths.items())
        )
        judgement = acknowledge(rules.judge(assembly), self._waivers)
        violations = [_violation(row, paths[row.stack]) for row in judgement.open]
        if self._complete:
            violations += [_orphan(waiver) for waiver in judgement.orphaned]
        return cdk.PolicyValidationPluginReport(success=not violations, violations=violations)


def _violation(row: rules.Row, path: str) -> cdk.PolicyViolation:
    return cdk.PolicyViolation(
        rule_name=row.rule,
        description=f"{row.message} ({row.control})",
        fix=row.fix,
        severity="fatal" if row.severity is Severity.FATAL else "error",
        violating_resources=[
            cdk.PolicyViolatingResource(
                resource_logical_id=row.logical_id, template_path=path, locations=[]
            )
        ],
    )


def _orphan(waiver: Waiver) -> cdk.PolicyViolation:
    return cdk.PolicyViolation(
        rule_name=waiver.rule,
        description=f"the waiver on {waiver.resource} acknowledges nothing",
        fix="remove it from waivers.yaml",
        severity="error",
        violating_resources=[],
    )
